export type Theme = 'system' | 'light' | 'dark';

const STORED = 'hythe.theme';

function stored(): Theme {
  try {
    const theme = localStorage.getItem(STORED);
    return theme === 'light' || theme === 'dark' ? theme : 'system';
  } catch {
    return 'system'; // storage may be forbidden
  }
}

let theme = $state<Theme>(stored());

export function shownTheme(): Theme {
  return theme;
}

/** Shows the app light, dark, or as the system is; `public/theme.js` does the same before the first paint. */
export function showTheme(next: Theme): void {
  theme = next;
  if (next === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = next;
  try {
    if (next === 'system') localStorage.removeItem(STORED);
    else localStorage.setItem(STORED, next);
  } catch {
    // It then holds until the page is closed.
  }
}
