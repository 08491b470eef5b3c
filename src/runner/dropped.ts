import type { JijiError } from '../errors.ts'

/** The server ended the connection before the handshake was over, mostly because too many others were at it. */
export class DroppedEarly extends Error {
  /** What the way to the server knows about it. */
  explanation?: JijiError
}
