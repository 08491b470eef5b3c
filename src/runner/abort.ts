import { setTimeout as sleep } from 'node:timers/promises'
import { JijiError } from '../errors.ts'

/** The signal's reason, as something that can be thrown. */
export function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason
  return reason instanceof Error ? reason : new JijiError('interrupted', 'interrupted', { cause: reason })
}

/**
 * Calls back once, at once if the signal is aborted already, and never after `over`. Not by the `signal` option of
 * addEventListener: on Node 20, where several listeners have one, it works for the last of them only once the garbage
 * collector has run.
 */
export function whenAborted(signal: AbortSignal | undefined, callback: () => void, over: AbortSignal): void {
  if (!signal) return
  if (signal.aborted) {
    callback()
    return
  }
  signal.addEventListener('abort', callback, { once: true })
  over.addEventListener('abort', () => signal.removeEventListener('abort', callback), { once: true })
}

/** The promise's value, or the signal's reason if that comes first. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const over = new AbortController()
  const aborted = new Promise<never>((_, reject) => whenAborted(signal, () => reject(reasonOf(signal)), over.signal))
  try {
    return await Promise.race([promise, aborted])
  } finally {
    over.abort()
  }
}

/** Waits, unless the signal ends it: then its reason is thrown. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(milliseconds, undefined, signal ? { signal } : {})
  } catch {
    throw reasonOf(signal)
  }
}
