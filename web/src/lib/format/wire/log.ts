/** The frames in which a log is read. */

import { type Value, octets, struct, variants } from '../cbor/codec';
import { HEAD } from '../ids';
import { MAX_CHANGE_SET_BYTES } from '../limits';

const ENTRY = struct({ head: HEAD, changeSet: octets(MAX_CHANGE_SET_BYTES) });

export const LOG_FRAME = variants({
  /** The change set at the next position. */
  entry: [0, struct({ entry: ENTRY })],
  /** The last frame. More entries follow while the head is further on. */
  end: [1, struct({ head: HEAD })],
});
export type LogFrame = Value<typeof LOG_FRAME>;

/** Most bytes of a frame of a log. */
export const MAX_LOG_FRAME_BYTES = MAX_CHANGE_SET_BYTES + 1024;
