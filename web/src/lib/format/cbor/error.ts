/** Bytes from elsewhere are not what they should be. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
}
