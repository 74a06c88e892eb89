import type { NodeId, SpaceId } from '$lib/actions/types';

/** The places of the app, as its addresses name them. */
export type Route =
  | { at: 'start' }
  | { at: 'files'; space: SpaceId; node?: NodeId; look?: NodeId }
  | { at: 'trash'; space: SpaceId }
  | { at: 'search'; space: SpaceId; text: string }
  | { at: 'mine' }
  | { at: 'lost' };

/** The place that an address names. */
export function parse(path: string, query: string): Route {
  const [first, space, node, ...more] = path.split('/').filter(Boolean).map(decodeURIComponent);
  const values = new URLSearchParams(query);
  if (first === undefined) return { at: 'start' };
  if (more.length > 0) return { at: 'lost' };
  if (first === 'files' && space !== undefined) {
    const look = values.get('look');
    return { at: 'files', space, ...(node === undefined ? {} : { node }), ...(look ? { look } : {}) };
  }
  if (node !== undefined) return { at: 'lost' };
  if (first === 'trash' && space !== undefined) return { at: 'trash', space };
  if (first === 'search' && space !== undefined) return { at: 'search', space, text: values.get('q') ?? '' };
  if (first === 'mine' && space === undefined) return { at: 'mine' };
  return { at: 'lost' };
}

/** The address of a place. */
export function address(route: Route): string {
  switch (route.at) {
    case 'files': {
      const node = route.node === undefined ? '' : `/${encodeURIComponent(route.node)}`;
      const look = route.look === undefined ? '' : `?look=${encodeURIComponent(route.look)}`;
      return `/files/${encodeURIComponent(route.space)}${node}${look}`;
    }
    case 'trash':
      return `/trash/${encodeURIComponent(route.space)}`;
    case 'search':
      return `/search/${encodeURIComponent(route.space)}?q=${encodeURIComponent(route.text)}`;
    case 'mine':
      return '/mine';
    default:
      return '/';
  }
}

function here(): Route {
  try {
    return parse(location.pathname, location.search);
  } catch {
    return { at: 'lost' }; // a percent sign that escapes nothing
  }
}

let current = $state.raw<Route>(here());

/** Where the app is. */
export function route(): Route {
  return current;
}

/** Goes somewhere; `replace` leaves no step behind to come back to. */
export function go(to: Route, replace = false): void {
  const url = address(to);
  if (replace) history.replaceState(null, '', url);
  else history.pushState(null, '', url);
  current = to;
}

/** Follows the browser's own steps back and forward, and the links of the page. */
export function followAddresses(): () => void {
  const moved = (): void => {
    current = here();
  };
  const clicked = (event: MouseEvent): void => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (!link || link.origin !== location.origin || link.target !== '' || link.hash !== '') return;
    if (link.hasAttribute('download') || link.pathname.startsWith('/api/')) return;
    event.preventDefault();
    history.pushState(null, '', link.href);
    moved();
  };
  window.addEventListener('popstate', moved);
  document.addEventListener('click', clicked);
  return () => {
    window.removeEventListener('popstate', moved);
    document.removeEventListener('click', clicked);
  };
}
