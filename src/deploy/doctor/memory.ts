import type { Answers } from './answers.ts'
import { ok, problem, unknown, type Verdict, warning } from './finding.ts'

/** Where the credential of a pull is, while that runs. */
export function judgeMemory({ memory }: Pick<Answers, 'memory'>): Verdict {
  if (memory === null) return unknown('no-answer', 'it did not say where it can write', 'see /dev/shm there')
  const hint = 'mount a tmpfs there: sudo mount -t tmpfs -o mode=1777 tmpfs /dev/shm'
  if (memory === undefined)
    return problem('failed', 'memory-full', 'nothing can be written to /dev/shm, nor to what stands in for it', hint)
  const { type, folder } = memory
  if (type === 'tmpfs' || type === 'ramfs') return ok(`credentials of a pull are in memory (${folder})`)
  if (type === 'unknown')
    return unknown('no-stat', `whether ${folder} is in memory could not be read`, 'see what `df /dev/shm` says there')
  return warning('not-in-memory', `credentials of a pull are on a disk for as long as it runs (${folder})`, hint)
}
