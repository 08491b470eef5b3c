import type { Engine } from '../config/config.ts'
import { type Running, runContainers, type Surroundings } from './container.ts'
import { filesFolder, removeFiles } from './mounts.ts'
import { labels } from './names.ts'
import { labelWords } from './proxy.ts'
import { type Script, sh, type Word } from './script.ts'
import { removeSoon } from './start-stop.ts'

/** A container of its own for one command, in a service's surroundings. */
export type OneOff = Surroundings & { name: string; image: string; command: readonly Word[] }

/** Runs it, and shows what it writes; it is gone afterwards in any case. */
export function runOneOff(engine: Engine, oneOff: OneOff, words: readonly Word[] = own(oneOff)): Script {
  const { place, undo, prepare, environment, run } = containerOf(engine, oneOff)
  return sh`${place}
on_exit() {
  ${removeSoon(engine, [oneOff.name])}
  ${undo}
} >/dev/null 2>&1
${prepare}
run_one() {
${environment}
exec ${run(['--rm', '--name', oneOff.name, ...words])}
}
interruptible run_one`
}

/** Makes it for somebody at a terminal, who is then attached to it: what it is told goes no way that others can see. */
export function createOneOff(engine: Engine, oneOff: OneOff, terminal: string): Script {
  const { place, prepare, environment, run } = containerOf(engine, oneOff)
  const words = ['--rm', '-it', '-e', `TERM=${terminal}`, '--name', oneOff.name, ...own(oneOff)]
  return sh`${place}
${prepare}
(
${environment}
${run(words, 'create')}
) >/dev/null`
}

export function attachToOneOff(engine: Engine, name: string): Script {
  return sh`exec ${engine} start --attach --interactive ${name}`
}

export function removeOneOff(engine: Engine, { scope, name }: Pick<OneOff, 'scope' | 'name'>): Script {
  return sh`{ ${removeSoon(engine, [name])}; } >/dev/null 2>&1
${filesFolder(scope, name)}
${removeFiles}`
}

function containerOf(engine: Engine, oneOff: OneOff): Running {
  return runContainers(engine, oneOff, { first: oneOff.name, image: oneOff.image, command: oneOff.command })
}

// Not labelled as the project's: a deploy takes away what is the project's and no release knows.
function own({ scope, service }: OneOff): Word[] {
  return labelWords({ [labels.run]: `${scope}/${service.name}` })
}
