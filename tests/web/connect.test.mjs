// The connect page in a real browser, against the real server and the simulated vendors.

import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { api, application, browser, judged, server } from './browser.mjs';
import {
  atVendor, back, consents, enterAll, exampleWith, examples, field, linkFor, toVendor, wayOf,
} from './steps.mjs';

const clientKeys = ['oauth.api.key', 'oauth.api.secret'];
let app;
let chrome;

before(async () => {
  app = await application();
  chrome = await browser();
});

after(async () => {
  await chrome?.close();
  app?.close();
});

const link = (more) => linkFor(app, more);

test('the choice', async () => {
  const page = await chrome.page();
  const { url } = await link({});
  await page.goto(url);
  assert.ok(await page.locator('.offer').count() >= 2);
  await judged(page, 'choice');
  // By keyboard alone: past the link to the content, to the first offer.
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'offer');
  await page.keyboard.press('Enter');
  await page.waitForSelector('form');
  await page.close();
});

for (const { file, body } of examples) {
  test(`by form: ${file}`, async () => {
    const page = await chrome.page();
    const way = wayOf(body);
    const { id, url } = await link({ element: body.element.key, name: body.name });
    await page.goto(`${url}?login=${way}`);
    await judged(page, `form-${file.replace('.json', '')}`);
    await enterAll(page, body.configuration);
    await page.locator('.field input:not([type=radio])').first().press('Enter');
    const instance = await back(app, page, id);
    assert.equal(instance.element.key, body.element.key);
    assert.equal(instance.valid, true);
    await page.close();
  });
}

test('a wrong password is told, and mended', async () => {
  const body = exampleWith('password');
  const page = await chrome.page();
  const { id, url } = await link({ element: body.element.key });
  await page.goto(`${url}?login=${wayOf(body)}`);
  await page.locator('button').click();
  assert.match(await page.title(), /^Problem: /);
  assert.ok(await page.locator('.field.wrong').count() > 0);
  await judged(page, 'missing');
  // What is wrong has the focus; its first link leads to a field that says what is wrong with it.
  assert.equal(await page.evaluate(() => document.activeElement.className), 'problem');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  const described = await page.evaluate(() => {
    const one = document.activeElement.closest('fieldset') ?? document.activeElement;
    const ids = (one.getAttribute('aria-describedby') ?? '').split(' ');
    return ids.map((id) => document.getElementById(id)?.textContent).join(' ');
  });
  assert.match(described, /Fill this in|Choose one/);
  await enterAll(page, { ...body.configuration, password: 'wr0ng' });
  await page.locator('button').click();
  await page.waitForSelector('[role=alert]:has-text("did not accept these details")');
  assert.equal(await field(page, 'password').inputValue(), '');
  await judged(page, 'wrong');
  // No secret comes back with the page.
  for (const secret of await page.locator('input[type=password]').all()) assert.equal(await secret.inputValue(), '');
  await enterAll(page, body.configuration);
  await page.locator('button').click();
  await back(app, page, id);
  await page.close();
});

for (const consent of consents) {
  test(`by consent: ${consent.element}`, async () => {
    const page = await chrome.page();
    const { id, url } = await link({ element: consent.element, configuration: consent.client });
    await page.goto(url);
    await judged(page, `consent-${consent.element}`);
    const shown = await page.content();
    for (const key of clientKeys) assert.ok(!shown.includes(consent.client[key]), key);
    await toVendor(page, consent, url);
    await page.locator('#deny').click();
    await page.waitForSelector('h1:has-text("Access was not allowed")');
    await judged(page, `denied-${consent.element}`);
    assert.equal((await api('GET', `/connect/links/${id}`)).status, 'failed');
    await page.locator('a.button').click();
    await page.waitForSelector('form');
    await toVendor(page, consent, page.url());
    await page.locator('#allow').click();
    const instance = await back(app, page, id);
    assert.equal(instance.configuration['oauth.callback.url'], `${server}/connect/callback`);

    // Once more: the instance and its token stay what they are.
    const again = await link({ instanceId: instance.id });
    await page.goto(again.url);
    await judged(page, `reconnect-${consent.element}`);
    await toVendor(page, { ...consent, fields: {} }, again.url);
    await page.locator('#allow').click();
    const after = await back(app, page, again.id);
    assert.deepEqual([after.id, after.token], [instance.id, instance.token]);
    await page.close();
  });
}

for (const consent of consents.filter(({ other }) => other)) {
  test(`as somebody else at the vendor: ${consent.element}`, async () => {
    const page = await chrome.page();
    const { id, url } = await link({ element: consent.element, configuration: consent.client });
    await toVendor(page, consent, url);
    await page.locator('#allow').click();
    const before = await back(app, page, id);
    const again = await link({ instanceId: before.id });
    const other = { ...consent, fields: {}, user: consent.other };
    await toVendor(page, other, again.url);
    await page.locator('#allow').click();
    await page.waitForSelector('#other');
    assert.match(await page.title(), /^Question: /);
    const asked = await page.locator('[role=alert]').textContent();
    for (const name of [consent.name, consent.other.name]) assert.ok(asked.includes(name), `${name}: ${asked}`);
    assert.equal(await page.evaluate(() => document.activeElement.className), 'problem');
    await judged(page, `somebody-else-${consent.element}`);
    assert.deepEqual(await api('GET', `/instances/${before.id}`), before);
    await page.locator('#other').check();
    await page.locator('button').click();
    await atVendor(page, consent.other);
    await page.locator('#allow').click();
    const after = await back(app, page, again.id);
    assert.deepEqual([after.id, after.token], [before.id, before.token]);
    assert.notEqual(after.configuration['vendor.account.id'], before.configuration['vendor.account.id']);
    await page.close();
  });
}

test('connected again by form, and asked about another account', async () => {
  const body = exampleWith('password', 'username');
  const instance = await api('POST', '/instances', body);
  const page = await chrome.page();
  const { id, url } = await link({ instanceId: instance.id });
  await page.goto(`${url}?login=${wayOf(body)}`);
  assert.equal(await field(page, 'username').inputValue(), body.configuration.username);
  await enterAll(page, { ...body.configuration, username: 'somebody@else.example' });
  await page.locator('button').click();
  await page.waitForSelector('#other');
  await judged(page, 'other-account');
  await enterAll(page, body.configuration);
  await page.locator('button').click();
  const after = await back(app, page, id);
  assert.deepEqual([after.id, after.token], [instance.id, instance.token]);
  await page.close();
});

test('without a return address the last page stays', async () => {
  const { body } = examples[0];
  const page = await chrome.page();
  const { url } = await api('POST', '/connect/links', { element: body.element.key });
  await page.goto(`${url}?login=${wayOf(body)}`);
  await enterAll(page, body.configuration);
  await page.locator('button').click();
  await page.waitForSelector('.good');
  await judged(page, 'connected');
  await page.reload();
  await page.waitForSelector('.good');
  await page.close();
});

test('in the colours of the organization', async () => {
  const logo = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
  await api('PUT', '/organizations/branding', {
    name: 'Acorn Works', primaryColor: '#7a1fa2', supportUrl: 'https://acorn.example/help', logo: { data: logo },
  });
  const page = await chrome.page();
  const { url } = await link({ element: examples[0].body.element.key });
  await page.goto(url);
  const color = await page.locator('button').evaluate((button) => getComputedStyle(button).backgroundColor);
  assert.equal(color, 'rgb(122, 31, 162)');
  assert.ok(await page.locator('img.logo').evaluate((image) => image.complete && image.naturalWidth === 1));
  await judged(page, 'branded');
  await api('DELETE', '/organizations/branding');
  await page.close();
});

test('long names stay within the page', async () => {
  const name = 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbaugesellschaft mbH & Co.';
  await api('PUT', '/organizations/branding', { name, primaryColor: '#b35900', supportUrl: 'https://acorn.example/help' });
  const body = exampleWith('password');
  const page = await chrome.page();
  const { url } = await link({ element: body.element.key });
  await page.goto(`${url}?login=${wayOf(body)}`);
  await page.locator('button').click();
  await judged(page, 'long');
  await api('DELETE', '/organizations/branding');
  await page.close();
});

test('a link that does not work', async () => {
  const page = await chrome.page();
  await page.goto(`${server}/connect/${'A'.repeat(43)}`);
  await judged(page, 'unknown');
  await page.goto(`${server}/connect/callback?code=x&state=y`);
  assert.match(await page.locator('h1').textContent(), /does not work/);
  await page.close();
});
