import { renderSize } from '../size.ts'
import type { Answers, Disk } from './answers.ts'
import { ok, problem, unknown, type Verdict, warning } from './finding.ts'

/** Kilobytes. */
const little = 1_000_000
const nothing = 20_000

/** Where the engine keeps images and where we keep records; often that is one disk. */
export function judgeDisk({ disks }: Pick<Answers, 'disks'>): Verdict {
  const all = [...new Map([...disks.values()].map(disk => [identityOf(disk), disk])).values()]
  if (all.length === 0) return unknown('no-df', 'how full its disk is could not be read', 'see what `df -h` says there')
  const hint =
    'see what takes the room: docker system df, or podman system df; deploy.retain says how many releases are kept'
  const full = all.filter(isFull)
  if (full.length > 0) return problem('failed', 'disk-full', `the disk is full: ${full.map(render).join('; ')}`, hint)
  const low = all.filter(isLow)
  if (low.length > 0) return warning('disk-low', `the disk is nearly full: ${low.map(render).join('; ')}`, hint)
  return ok(all.map(render).join('; '))
}

/** A disk may be mounted at several places; what is none has a name that others have too. */
function identityOf({ device, mount }: Disk): string {
  return device.startsWith('/') ? device : mount
}

function isFull({ free, inodes }: Disk): boolean {
  return free < nothing || inodes?.free === 0
}

function isLow({ free, total, inodes }: Disk): boolean {
  return free < little || free < total / 10 || (inodes !== undefined && inodes.free < inodes.total / 10)
}

function render({ free, total, mount, inodes }: Disk): string {
  const few = inodes && inodes.free < inodes.total / 10 ? `, ${inodes.free} of ${inodes.total} inodes` : ''
  return `${renderSize(free * 1024)} of ${renderSize(total * 1024)}${few} free in ${mount}`
}
