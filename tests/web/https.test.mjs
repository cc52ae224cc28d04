// Over https: the cookie belongs to this very host and never leaves it unprotected.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { application, browser, server } from './browser.mjs';
import { back, consents, enterAll, exampleWith, linkFor, toVendor, wayOf } from './steps.mjs';

let app;
let chrome;

before(async () => {
  assert.match(server, /^https:/);
  app = await application();
  chrome = await browser({ trusting: true });
});

after(async () => {
  await chrome?.close();
  app?.close();
});

test('the cookie is __Host-, and a form works with it', async () => {
  const body = exampleWith('password', 'username', 'subdomain');
  const page = await chrome.page();
  const { id, url } = await linkFor(app, { element: body.element.key });
  assert.ok(url.startsWith(`${server}/connect/`), url);
  await page.goto(`${url}?login=${wayOf(body)}`);
  const [cookie, ...others] = await chrome.context.cookies(server);
  assert.deepEqual(others, []);
  const { name, secure, httpOnly, sameSite, path, domain } = cookie;
  assert.deepEqual({ name, secure, httpOnly, sameSite, path, domain }, {
    name: '__Host-bunsen-connect', secure: true, httpOnly: true, sameSite: 'Lax', path: '/', domain: new URL(server).hostname,
  });
  assert.equal(await page.evaluate(() => document.cookie), '');
  await enterAll(page, body.configuration);
  await page.locator('button').click();
  await back(app, page, id);
  await page.close();
});

test('it comes along on the way back from the vendor', async () => {
  const consent = consents.at(-1);
  const page = await chrome.page();
  const { id, url } = await linkFor(app, { element: consent.element, configuration: consent.client });
  await toVendor(page, consent, url);
  await page.locator('#allow').click();
  await back(app, page, id);
  await page.close();
});

test('without it nothing is done', async () => {
  const body = exampleWith('password', 'username', 'subdomain');
  const page = await chrome.page();
  const { url } = await linkFor(app, { element: body.element.key });
  await page.goto(`${url}?login=${wayOf(body)}`);
  await chrome.context.clearCookies();
  // One of the plain name, which anybody on the way could set, is none.
  const value = 'A'.repeat(43);
  await chrome.context.addCookies([{ name: 'bunsen-connect', value, url: server }]);
  await enterAll(page, body.configuration);
  await page.locator('button').click();
  await page.waitForSelector('h1:has-text("Cookies are needed")');
  await page.close();
});
