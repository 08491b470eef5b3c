import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'

/** Where everything lies that rigs make on this machine. */
export const base = join(tmpdir(), 'jiji-rig')

export const rigScript = fileURLToPath(new URL('./rig.sh', import.meta.url))

/** Takes a name for this process. @returns whether it was free */
export function claim(name: string): boolean {
  mkdirSync(join(base, 'claims'), { recursive: true, mode: 0o700 })
  try {
    symlinkSync(`${process.pid}.${ownStartTime()}`, join(base, 'claims', name)) // one step, so that only one can have it
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

export function release(name: string): void {
  rmSync(join(base, 'claims', name), { force: true })
}

/** Takes away what processes that no longer live have claimed, and all of `base` when nothing is claimed any more. */
export async function sweep(): Promise<void> {
  await execa(rigScript, ['sweep', base])
}

function ownStartTime(): string | undefined {
  return readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')[19]
}
