import { setTimeout as sleep } from 'node:timers/promises'
import { reasonOf } from './shell.ts'

/** Waits, unless the signal ends it: then its reason is thrown. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(milliseconds, undefined, signal ? { signal } : {})
  } catch {
    throw reasonOf(signal)
  }
}
