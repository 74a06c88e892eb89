/** The steps of OPAQUE on a thread of their own. */

import { opaqueHere } from './opaque';
import { type Asked, perform } from './opaque-thread';

self.onmessage = (event: MessageEvent<Asked>) => {
  void perform(opaqueHere, event.data).then((answer) => self.postMessage(answer));
};
