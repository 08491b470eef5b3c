import type { Duplex } from 'node:stream'

/**
 * Notices that nothing comes from the other side any more, not even answers to keep-alives. It counts ticks and not
 * the clock, so that a laptop that has slept does not take its own absence for the server's; and it looks at all bytes,
 * because on a slow line the answer to a keep-alive waits behind what is being sent.
 */
export function watchSilence(stream: Duplex, limit: number, onSilence: () => void): () => void {
  const ticks = 7
  let silent = 0
  const heard = () => {
    silent = 0
  }
  const timer = setInterval(() => {
    silent += 1
    if (silent < ticks) return
    stop()
    onSilence()
  }, limit / ticks)
  const stop = () => {
    clearInterval(timer)
    stream.off('data', heard)
  }
  stream.on('data', heard)
  return stop
}
