import { Socket } from 'node:net'

/**
 * A socket that sends in one system call what was written in one turn of the event loop. ssh2 writes every packet of
 * 32 KiB by itself, and in a tunnel those calls are most of the work.
 */
export class GatheringSocket extends Socket {
  #isGathering = false

  override write(...args: unknown[]): boolean {
    this.#gather()
    return super.write(...(args as Parameters<Socket['write']>))
  }

  #gather(): void {
    if (this.#isGathering) return
    this.#isGathering = true
    this.cork()
    process.nextTick(() => {
      this.#isGathering = false
      this.uncork()
    })
  }
}
