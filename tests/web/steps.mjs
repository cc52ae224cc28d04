// What people and applications do, in the words of the tests.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { api, json, root } from './browser.mjs';

export const consents = json('tests/web/consents.json');

/** Bodies that create an instance with the simulated vendors as they are. */
export const examples = readdirSync(join(root, 'examples/instances')).sort()
  .map((file) => ({ file, body: json(`examples/instances/${file}`) }));

/** The first example that gives all of these. */
export function exampleWith(...keys) {
  return examples.find(({ body }) => keys.every((key) => key in body.configuration)).body;
}

/** The group of credentials that the example means, by the entries that it gives. */
export function wayOf(body) {
  const named = body.configuration['authentication.type'];
  const element = json(`elements/${body.element.key}/element.json`);
  const entries = Object.fromEntries(element.configuration.map((entry) => [entry.key, entry]));
  const group = Object.keys(body.configuration).map((key) => entries[key]?.groupName).find(Boolean);
  return named ?? group ?? element.bunsen?.groups?.[0].name ?? '';
}

/** A link, as the application asks for it. */
export async function linkFor(app, more) {
  return api('POST', '/connect/links', { returnUrl: `${app.url}/back`, state: 'st/at e', ...more });
}

/** What the application is told in the end. */
export async function back(app, page, id) {
  await page.waitForURL(`${app.url}/back*`);
  const query = new URL(page.url()).searchParams;
  const outcome = await api('GET', `/connect/links/${id}`);
  assert.equal(query.get('status'), 'connected');
  assert.equal(query.get('state'), 'st/at e');
  assert.equal(outcome.status, 'connected');
  assert.equal(query.get('instanceId'), String(outcome.instanceId));
  return api('GET', `/instances/${outcome.instanceId}`);
}

export const field = (page, key) => page.locator(`[name="c.${key}"]`);

/** Types it, or chooses it; what is not asked for is passed over. */
export async function enter(page, key, value) {
  const found = field(page, key);
  if (!await found.count()) return;
  const kind = await found.first().evaluate((one) => one.type);
  if (kind === 'radio') await page.locator(`[name="c.${key}"][value="${value}"]`).check();
  else if (kind === 'select-one') await found.selectOption(String(value));
  else await found.fill(String(value));
}

export async function enterAll(page, configuration) {
  for (const [key, value] of Object.entries(configuration)) await enter(page, key, value);
}

/** As far as the vendor's page. */
export async function toVendor(page, consent, url) {
  await page.goto(url);
  await enterAll(page, consent.fields);
  await page.locator('button').click();
  await atVendor(page, consent.user);
}

export async function atVendor(page, user) {
  await page.waitForSelector('#allow');
  assert.match(page.url(), /\/_host\//);
  await page.locator('[name=email]').fill(user.email);
  await page.locator('[name=password]').fill(user.password);
}
