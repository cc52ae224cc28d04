// What people do with links that they should not: twice, in two tabs, backwards, too late, in frames.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { api, application, browser, judged, server } from './browser.mjs';
import { atVendor, back, consents, enterAll, exampleWith, linkFor, toVendor, wayOf } from './steps.mjs';

let app;
let chrome;
let number = 0;

before(async () => {
  app = await application();
  chrome = await browser();
});

after(async () => {
  await chrome?.close();
  app?.close();
});

const body = exampleWith('password', 'username', 'subdomain');

/** A link by form, its page filled in; a name that no other instance has. */
async function filled() {
  const page = await chrome.page();
  number += 1;
  const name = `links ${number} ${Date.now()}`;
  const made = await linkFor(app, { element: body.element.key, name, tags: [name] });
  const address = `${made.url}?login=${wayOf(body)}`;
  await page.goto(address);
  await enterAll(page, body.configuration);
  return { page, name, address, ...made };
}

async function named(name) {
  return api('GET', `/instances?tags[]=${encodeURIComponent(name)}`);
}

test('two clicks are one', async () => {
  const { page, id, name } = await filled();
  await page.locator('button').dblclick();
  await back(app, page, id);
  assert.equal((await named(name)).length, 1);
  await page.close();
});

test('two tabs are one', async () => {
  const { page, id, name, address } = await filled();
  const tab = await chrome.page();
  await tab.goto(address);
  await enterAll(tab, body.configuration);
  await page.locator('button').click();
  await back(app, page, id);
  await tab.locator('button').click();
  await back(app, tab, id);
  assert.equal((await named(name)).length, 1);
  await page.close();
  await tab.close();
});

test('back to a form that has been sent', async () => {
  const { page, id, name } = await filled();
  await page.locator('button').click();
  await back(app, page, id);
  await page.goBack();
  await page.waitForURL(`${app.url}/back*`);
  assert.equal((await named(name)).length, 1);
  await page.close();
});

test("back from the vendor's page", async () => {
  const consent = consents[0];
  const page = await chrome.page();
  const { id, url } = await linkFor(app, { element: consent.element, configuration: consent.client });
  await toVendor(page, consent, url);
  await page.goBack();
  // No question whether a form is to be sent once more: the form itself, as it was.
  await page.waitForSelector('form button');
  assert.ok(page.url().startsWith(url), page.url());
  await enterAll(page, consent.fields);
  await page.locator('button').click();
  await atVendor(page, consent.user);
  await page.locator('#allow').click();
  await back(app, page, id);
  await page.close();
});

test('the way back in another browser', async () => {
  const consent = consents[0];
  const page = await chrome.page();
  const { id, url } = await linkFor(app, { element: consent.element, configuration: consent.client });
  await toVendor(page, consent, url);
  // A browser without the cookie of the one that set out is another browser.
  const cookies = await chrome.context.cookies();
  await chrome.context.clearCookies();
  await page.locator('#allow').click();
  await page.waitForSelector('h1:has-text("another browser")');
  const address = page.url();
  await judged(page, 'another-browser');
  assert.equal((await api('GET', `/connect/links/${id}`)).status, 'pending');
  await chrome.context.addCookies(cookies);
  await page.goto(address);
  await back(app, page, id);
  await page.close();
});

test('a link that has ended', async () => {
  const page = await chrome.page();
  const { url } = await linkFor(app, { element: body.element.key, expiresIn: 1 });
  const end = Date.now() + 20_000;
  do await page.goto(url); while (!(await page.title()).startsWith('Problem: This link has ended') && Date.now() < end);
  assert.match(await page.title(), /^Problem: This link has ended/);
  await judged(page, 'ended');
  await page.close();
});

test('in a frame there is nothing', async () => {
  const page = await chrome.page({ expected: /frame/i });
  const { url } = await linkFor(app, { element: body.element.key });
  await page.goto(app.url);
  await page.evaluate((address) => new Promise((loaded) => {
    const frame = document.createElement('iframe');
    frame.addEventListener('load', loaded);
    frame.src = address;
    document.body.append(frame);
  }), url);
  const [, frame] = page.frames();
  assert.equal(await frame.locator('form').count(), 0);
  await page.close();
});

test('a form of another site does nothing', async () => {
  const { page, id, url } = await filled();
  const fields = await page.locator('form').evaluate((form) => [...new FormData(form)]);
  // The very form, token and all, in the browser that has the cookie, but on another site's page.
  await page.goto(app.url);
  await page.evaluate(([address, pairs]) => {
    const form = document.createElement('form');
    form.method = 'post';
    form.action = address;
    for (const [name, value] of pairs) {
      const input = document.createElement('input');
      Object.assign(input, { name, value, type: 'hidden' });
      form.append(input);
    }
    document.body.append(form);
    form.submit();
  }, [url, fields]);
  await page.waitForSelector('h1');
  assert.match(await page.locator('main').textContent(), /another site/);
  assert.equal((await api('GET', `/connect/links/${id}`)).status, 'pending');
  await page.close();
});

test('by keyboard alone', async () => {
  const example = exampleWith('docusign.environment');
  const page = await chrome.page();
  const { id, url } = await linkFor(app, { element: example.element.key });
  await page.goto(`${url}?login=${wayOf(example)}`);
  const left = new Map(Object.entries(example.configuration));
  for (let steps = 0; steps < 60; steps += 1) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate(() => {
      const one = document.activeElement;
      return { tag: one.tagName, type: one.type, name: one.name?.replace(/^c\./, ''), outlined: getComputedStyle(one).outlineStyle };
    });
    // Whoever cannot see the pointer sees where the keyboard is.
    assert.notEqual(at.outlined, 'none', JSON.stringify(at));
    if (at.tag === 'BUTTON') break;
    if (!left.has(at.name)) continue;
    const value = left.get(at.name);
    if (at.type === 'radio') {
      while (await page.evaluate(() => (document.activeElement.checked ? document.activeElement.value : null)) !== value) {
        await page.keyboard.press('ArrowDown');
      }
    } else {
      await page.keyboard.type(value);
    }
    left.delete(at.name);
  }
  assert.deepEqual([...left.keys()], []);
  await page.keyboard.press('Enter');
  await back(app, page, id);
  await page.close();
});
