import type { Actions } from './types';

let chosen: Actions | undefined;

/** Says what is behind the app. Called once, before anything is shown. */
export function useActions(actions: Actions): void {
  chosen = actions;
}

/** What the app can do; see {@link Actions}. */
export const actions: Actions = new Proxy({} as Actions, {
  get(_, part: keyof Actions) {
    if (!chosen) throw new Error('useActions was not called');
    return chosen[part];
  },
});
