import type { Config } from '../../config/config.ts'
import type { Selected } from '../../config/select.ts'
import { JijiError } from '../../errors.ts'
import { lastLine } from '../../runner/engine-failure.ts'
import type { Output, Runner } from '../../runner/runner.ts'
import { askForInit, initServer, type Step } from '../../shell/server-init.ts'
import { ask } from '../doctor/ask.ts'
import { judgeVersion } from '../doctor/engine.ts'
import { type Event, holding } from '../event.ts'
import { settled } from '../failure.ts'
import { limits } from '../limits.ts'
import type { ServerInit } from '../plan/init.ts'
import { proxyNotStarted } from '../proxies.ts'
import { runTending, type Tending } from '../tending.ts'
import { readSituation, type Situation } from './situation.ts'

/** Asks all servers at once what is there. One that fails keeps nothing from being done to the others. */
export async function findSituations(
  { scope }: Config,
  { servers }: Selected,
  runners: ReadonlyMap<string, Runner>,
  signal: AbortSignal,
): Promise<{ situations: Situation[]; failures: JijiError[] }> {
  const failures: JijiError[] = []
  const asked = servers.map(async ({ name, engine }) => {
    const runner = runners.get(name)
    if (!runner) return []
    const found = await unlessFailed(ask(runner, askForInit(engine, scope), signal), signal)
    if (!(found instanceof JijiError)) return [readSituation(name, engine, found)]
    failures.push(found)
    return []
  })
  return { situations: (await Promise.all(asked)).flat(), failures }
}

/** Sets up all servers at once. @returns why some could not be */
export async function initAll(tending: Tending, plans: readonly ServerInit[]): Promise<JijiError[]> {
  const done = plans.map(plan => unlessFailed(init(tending, plan), tending.signal))
  return (await settled(done)).filter(one => one instanceof JijiError)
}

async function unlessFailed<T>(work: Promise<T>, signal: AbortSignal): Promise<T | JijiError> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof JijiError) || signal.aborted) throw error
    return error
  }
}

/** An interrupt waits for a package manager, which is told, as it may take long. */
async function init(tending: Tending, plan: ServerInit): Promise<void> {
  const { server, engine, steps } = plan
  const { report, signal } = tending
  let current: Step | undefined
  const tell = (step: Step | undefined, state: 'begun' | 'done' | 'failed') => {
    if (step) report({ ...eventOf(plan, step), server, state })
  }
  const onLine = (line: string, stream: 'stdout' | 'stderr') => {
    if (stream === 'stderr') return
    if (line === 'waiting')
      report({
        step: 'install',
        state: 'lost',
        server,
        detail: 'another package manager works there: it is waited for',
      })
    if (!line.startsWith('step ')) return
    tell(current, 'done')
    current = steps.find(one => one.do === line.slice('step '.length))
    tell(current, 'begun')
  }
  const onInterrupt = () => {
    if (current?.do !== 'install') return
    const detail = `${current.manager} is not stopped half-way: its end is waited for`
    report({ step: 'install', state: 'lost', server, detail })
  }
  signal.addEventListener('abort', onInterrupt, { once: true })
  const run = () =>
    runTending(tending, plan, {
      deed: { action: 'server init' },
      script: initServer(engine, steps),
      timeout: limits.pull,
      grace: limits.install,
      onLine,
      explain: output => failureOf(plan, current, output),
    })
  try {
    const installing = { step: 'install' as const, server, detail: 'a package manager at work' }
    const said = await (steps.some(one => one.do === 'install') ? holding(report, installing, run) : run())
    tell(current, 'done')
    refuseOld(plan, said)
  } catch (error) {
    if (!signal.aborted) tell(current, 'failed')
    throw error
  } finally {
    signal.removeEventListener('abort', onInterrupt)
  }
}

/** Of a distribution whose releases are not known, only what was installed says how old it is. */
function refuseOld({ server, engine }: ServerInit, said: string): void {
  const [, version = ''] = /^engine \{"version":"([^"]+)"/m.exec(said) ?? []
  const { message, hint = '' } = (version && judgeVersion(engine, version)) || {}
  if (message) throw new JijiError('engine.failed', `${server}: ${message}`, { server, hint })
}

function eventOf({ engine }: ServerInit, step: Step): Pick<Event, 'step' | 'detail'> {
  switch (step.do) {
    case 'install':
      return { step: 'install', detail: `${step.names.join(', ')} with ${step.manager}` }
    case 'start':
      return { step: 'start', detail: engine }
    case 'join':
      return { step: 'allow', detail: `${step.user} to use docker` }
    case 'linger':
      return { step: 'allow', detail: `the containers of ${step.user} to stay` }
    case 'network':
      return { step: 'network' }
    case 'proxy':
      return { step: 'proxy', detail: step.image }
  }
}

function failureOf({ server, engine }: ServerInit, step: Step | undefined, { stderr }: Output): JijiError | undefined {
  const failed = (what: string, hint?: string, output?: string) =>
    new JijiError('engine.failed', `${server}: ${what}`, {
      server,
      ...(hint ? { hint } : {}),
      ...(output ? { output } : {}),
    })
  switch (step?.do) {
    case undefined:
      return undefined
    case 'install':
      return failed(
        `${engine} could not be installed: ${lastLine(stderr)}`,
        `what is installed by now stays; when the cause is gone, run this again`,
        stderr,
      )
    case 'start':
      return failed(
        `docker did not start: ${lastLine(stderr)}`,
        'see its log there, such as sudo journalctl -u docker',
        stderr,
      )
    case 'join':
    case 'linger':
      return failed(`${step.user} could not be allowed to use ${engine} as a deploy needs it: ${lastLine(stderr)}`)
    case 'network':
      return failed(`the network could not be made: ${lastLine(stderr)}`)
    case 'proxy':
      return proxyNotStarted(server, step, stderr)
  }
}
