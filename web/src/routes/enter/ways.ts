/** The ways in. */
export type Way = 'sign-in' | 'sign-up' | 'recover' | 'approve';

/** What a new password has at least; the server never sees it and cannot check. */
export const SHORTEST_PASSWORD = 8;
