// The connect page in a real browser, against the real server and the simulated vendors.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { api, application, browser, json, judged, root, server } from './browser.mjs';

const consents = json('tests/web/consents.json');
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

/** Bodies that create an instance with the simulated vendors as they are. */
const examples = readdirSync(join(root, 'examples/instances')).sort()
  .map((file) => ({ file, body: json(`examples/instances/${file}`) }));

/** The group of credentials that the example means, by the entries that it gives. */
function wayOf(body) {
  const named = body.configuration['authentication.type'];
  const element = json(`elements/${body.element.key}/element.json`);
  const entries = Object.fromEntries(element.configuration.map((entry) => [entry.key, entry]));
  const group = Object.keys(body.configuration).map((key) => entries[key]?.groupName).find(Boolean);
  return named ?? group ?? element.bunsen?.groups?.[0].name ?? '';
}

async function link(more) {
  return api('POST', '/connect/links', { returnUrl: `${app.url}/back`, state: 'st/at e', ...more });
}

/** What the application is told in the end. */
async function back(page, id) {
  await page.waitForURL(`${app.url}/back*`);
  const query = new URL(page.url()).searchParams;
  const outcome = await api('GET', `/connect/links/${id}`);
  assert.equal(query.get('status'), 'connected');
  assert.equal(query.get('state'), 'st/at e');
  assert.equal(outcome.status, 'connected');
  assert.equal(query.get('instanceId'), String(outcome.instanceId));
  return api('GET', `/instances/${outcome.instanceId}`);
}

const field = (page, key) => page.locator(`[name="c.${key}"]`);

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
    for (const [key, value] of Object.entries(body.configuration)) {
      if (await field(page, key).count()) await field(page, key).fill(String(value));
    }
    await page.keyboard.press('Enter');
    const instance = await back(page, id);
    assert.equal(instance.element.key, body.element.key);
    assert.equal(instance.valid, true);
    await page.close();
  });
}

test('a wrong password is told, and mended', async () => {
  const { body } = examples.find(({ body }) => 'password' in body.configuration);
  const page = await chrome.page();
  const { id, url } = await link({ element: body.element.key });
  await page.goto(`${url}?login=${wayOf(body)}`);
  await page.locator('button').click();
  assert.match(await page.title(), /^Problem: /);
  assert.ok(await page.locator('.field.wrong').count() > 0);
  await judged(page, 'missing');
  // The first field to correct has the focus, and says what is wrong with it.
  const described = await page.evaluate(() => {
    const ids = (document.activeElement.getAttribute('aria-describedby') ?? '').split(' ');
    return ids.map((one) => document.getElementById(one)?.textContent).join(' ');
  });
  assert.match(described, /Fill this in/);
  for (const [key, value] of Object.entries(body.configuration)) {
    if (await field(page, key).count()) await field(page, key).fill(key === 'password' ? 'wr0ng' : String(value));
  }
  await page.locator('button').click();
  await page.waitForSelector('[role=alert]');
  assert.match(await page.locator('[role=alert]').textContent(), /did not accept these details/);
  assert.equal(await field(page, 'password').inputValue(), '');
  await judged(page, 'wrong');
  // No secret comes back with the page.
  for (const secret of await page.locator('input[type=password]').all()) assert.equal(await secret.inputValue(), '');
  for (const [key, value] of Object.entries(body.configuration)) {
    if (await field(page, key).count()) await field(page, key).fill(String(value));
  }
  await page.locator('button').click();
  await back(page, id);
  await page.close();
});

/** As far as the vendor's page. */
async function toVendor(page, consent, url) {
  await page.goto(url);
  for (const [key, value] of Object.entries(consent.fields)) await field(page, key).fill(value);
  await page.locator('button').click();
  await page.waitForSelector('#allow');
  assert.match(page.url(), /\/_host\//);
  await page.locator('[name=email]').fill(consent.user.email);
  await page.locator('[name=password]').fill(consent.user.password);
}

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
    const instance = await back(page, id);
    assert.equal(instance.configuration['oauth.callback.url'], `${server}/connect/callback`);

    // Once more: the instance and its token stay what they are.
    const again = await link({ instanceId: instance.id });
    await page.goto(again.url);
    await judged(page, `reconnect-${consent.element}`);
    await toVendor(page, { ...consent, fields: {} }, again.url);
    await page.locator('#allow').click();
    const after = await back(page, again.id);
    assert.deepEqual([after.id, after.token], [instance.id, instance.token]);
    await page.close();
  });
}

test('connected again by form, and asked about another account', async () => {
  const { body } = examples.find(({ body }) => 'password' in body.configuration && 'username' in body.configuration);
  const instance = await api('POST', '/instances', body);
  const page = await chrome.page();
  const { id, url } = await link({ instanceId: instance.id });
  await page.goto(`${url}?login=${wayOf(body)}`);
  assert.equal(await field(page, 'username').inputValue(), body.configuration.username);
  await field(page, 'username').fill('somebody@else.example');
  for (const [key, value] of Object.entries(body.configuration)) {
    if (await field(page, key).count() && key !== 'username') await field(page, key).fill(String(value));
  }
  await page.locator('button').click();
  await page.waitForSelector('#other');
  await judged(page, 'other-account');
  await field(page, 'username').fill(body.configuration.username);
  for (const [key, value] of Object.entries(body.configuration)) {
    if (await field(page, key).count()) await field(page, key).fill(String(value));
  }
  await page.locator('button').click();
  const after = await back(page, id);
  assert.deepEqual([after.id, after.token], [instance.id, instance.token]);
  await page.close();
});

test('without a return address the last page stays', async () => {
  const { body } = examples[0];
  const page = await chrome.page();
  const { url } = await api('POST', '/connect/links', { element: body.element.key });
  await page.goto(`${url}?login=${wayOf(body)}`);
  for (const [key, value] of Object.entries(body.configuration)) {
    if (await field(page, key).count()) await field(page, key).fill(String(value));
  }
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

test('a link that does not work', async () => {
  const page = await chrome.page();
  await page.goto(`${server}/connect/${'A'.repeat(43)}`);
  await judged(page, 'unknown');
  await page.goto(`${server}/connect/callback?code=x&state=y`);
  assert.match(await page.locator('h1').textContent(), /does not work/);
  await page.close();
});
