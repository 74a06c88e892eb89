/** What a browser tells of itself when it becomes a device. */

import type { DeviceInfo } from '../format/wire/account';

/** How the platform of a browser begins, in the list of an account's devices. */
const WEB = 'web ';

/** The first that fits is it: most browsers name others as well. */
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\bEdgA?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(Firefox|FxiOS)\//, 'Firefox'],
  [/(Chrome|Chromium|CriOS)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
];

const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\b(iPhone|iPod)\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
];

/** Name and platform of a browser by what it says of itself; `version` is that of the page. */
export function describeBrowser(userAgent: string, version: string): DeviceInfo {
  const browser = find(BROWSERS, userAgent) ?? 'Browser';
  const system = find(SYSTEMS, userAgent);
  const name = system === null ? browser : `${browser} on ${system}`;
  const platform = WEB + [browser, system].filter(Boolean).join(' ').toLowerCase();
  return { name, platform, version };
}

/** Whether a device of this platform is a browser. */
export function isBrowser(platform: string): boolean {
  return platform.startsWith(WEB);
}

function find(among: readonly (readonly [RegExp, string])[], text: string): string | null {
  return among.find(([pattern]) => pattern.test(text))?.[1] ?? null;
}
