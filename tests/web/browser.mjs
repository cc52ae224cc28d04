// A real browser, the API as an application calls it, and the application's own page to return to.

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

const needed = (name) => process.env[name] ?? assert.fail(`${name} is set by the test that starts this one`);

export const server = needed('BUNSEN_URL');
export const root = needed('BUNSEN_ROOT');
const authorization = needed('BUNSEN_AUTHORIZATION');
const screenshots = join(root, 'target', 'screenshots');
mkdirSync(screenshots, { recursive: true });

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** One call of the API. */
export async function api(method, path, body) {
  const answer = await fetch(`${server}/elements/api-v2${path}`, {
    method,
    headers: { authorization, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  assert.equal(answer.status, 200, `${method} ${path}: ${text}`);
  return text ? JSON.parse(text) : undefined;
}

/** The application: a page that says what came back. */
export async function application() {
  const listener = createServer((request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(`<!doctype html><title>The application</title><p id="query">${new URL(request.url, 'http://x').search.replaceAll('&', '&amp;')}`);
  });
  await new Promise((ready) => listener.listen(0, '127.0.0.1', ready));
  const url = `http://127.0.0.1:${listener.address().port}`;
  await api('PUT', '/connect/settings', { returnOrigins: [url] });
  return { url, close: () => listener.close() };
}

/**
 * A browser with an empty profile; every page is watched for what its policy forbids. `trusting`: of
 * any certificate, for servers with one of the test's own.
 */
export async function browser({ trusting = false } = {}) {
  const profile = mkdtempSync(join(tmpdir(), 'bunsen-web-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.BUNSEN_CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    ignoreHTTPSErrors: trusting,
    chromiumSandbox: false,
    args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
  const wrongs = [];
  const watch = (page) => {
    page.on('pageerror', (error) => wrongs.push(`${error}`));
    page.on('console', (message) => {
      // An answer other than 2xx is logged too, and meant.
      const expected = page.expected?.test(message.text());
      if (message.type() === 'error' && !expected && !message.text().startsWith('Failed to load resource')) {
        wrongs.push(message.text());
      }
    });
  };
  context.on('page', watch);
  context.pages().forEach(watch);
  return {
    context,
    async page(options = {}) {
      const page = await context.newPage();
      page.expected = options.expected;
      await page.setViewportSize(options.size ?? { width: 1000, height: 900 });
      await page.emulateMedia({ colorScheme: options.scheme ?? 'light', reducedMotion: 'reduce' });
      return page;
    },
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
      assert.deepEqual(wrongs, []);
    },
  };
}

/** Accessible by the rules of WCAG 2.2 AA as far as a machine can tell, narrow and wide, by day and by night. */
export async function judged(page, name) {
  for (const scheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    for (const width of [320, 1000]) {
      await page.setViewportSize({ width, height: 900 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${name}: ${wide} pixels wide on ${width}`);
      await page.screenshot({ path: join(screenshots, `${name}-${scheme}-${width}.png`), fullPage: true });
    }
    const found = await examined(page);
    const told = found.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(' ')}`);
    assert.deepEqual(told, [], `${name}, ${scheme}`);
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
}

async function examined(page) {
  // Through the debugger, which a page's policy does not concern.
  await page.evaluate(axe);
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  const result = await page.evaluate(
    (values) => window.axe.run(document, { runOnly: { type: 'tag', values } }), tags);
  return result.violations;
}

export function json(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}
