/** How large things may be. Every decoder looks at these before it allocates. */

/** A change set with its sealed parts, encoded, in bytes. */
export const MAX_CHANGE_SET_BYTES = 16 << 20;

/** Operations in one change set. */
export const MAX_OPERATIONS = 10_000;

/** One sealed name, attributes or layout, in bytes. */
export const MAX_SEALED_BYTES = 256 << 10;

/** Chunks that one operation names. */
export const MAX_REFERENCES = 1024;

/** A space's secret sealed under its successor, in bytes. */
export const MAX_SEALED_SECRET_BYTES = 256;

/** What a new device is told, sealed, in bytes. */
export const MAX_SEALED_TOLD_BYTES = 4096;

/** How long a one-time key for a new device holds, in milliseconds. */
export const OFFER_LIFETIME_MS = 60 * 60 * 1000;

/** Texts that people chose, in bytes. */
export const MAX_TEXT_BYTES = 256;

/** Change sets with which an account or a space begins. */
export const MAX_FOUNDING_CHANGE_SETS = 16;
