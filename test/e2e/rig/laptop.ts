import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Rig } from './rig.ts'

/** A server of a rig as somebody's own machine: jiji runs in its network, and builds with its Docker. */
export type Laptop = {
  /** Words before a command that has it run there. */
  within: string[]
  environment: { DOCKER_HOST: string }
}

export function laptopAt(rig: Rig, name: string): Laptop {
  const pid = readFileSync(join(rig.dir, name, 'init.pid'), 'utf8').trim()
  return {
    within: ['nsenter', '-t', pid, '-n', '--'],
    environment: { DOCKER_HOST: `unix:///proc/${pid}/root/run/docker.sock` },
  }
}
