import type { Config, Engine, Server } from '../../config/config.ts'
import type { Selected } from '../../config/select.ts'
import type { ErrorCode } from '../../errors.ts'
import { exits } from '../../shell/engine.ts'
import { network } from '../../shell/names.ts'
import { installLine } from '../../shell/packages.ts'
import type { Step } from '../../shell/server-init.ts'
import { judgeEngine } from '../doctor/engine.ts'
import { judgePorts } from '../doctor/ports.ts'
import { judgeProxy } from '../doctor/proxy.ts'
import { packagesFor } from '../init/distribution.ts'
import type { Situation } from '../init/situation.ts'

/** What servers need before a first deploy: data, printed by --dry-run, the question and -o json alike. */
export type InitPlan = {
  schemaVersion: 1
  action: 'server init'
  project: string
  environment?: string
  servers: readonly ServerInit[]
  /** Servers that cannot be set up, and why; nothing is done to them. */
  refused: readonly Refused[]
}

export type ServerInit = {
  server: string
  engine: Engine
  system: string
  user: string
  /** In their order; none where all is there. */
  steps: readonly Step[]
  already: readonly string[]
  /** What is left for somebody to do. */
  notes: readonly string[]
}

type Refused = { server: string; code: ErrorCode; message: string; hint?: string }

type Wishes = {
  /** Whether the user may be put into the group docker. */
  mayJoin: boolean
}

export function planInit(
  { project, environment, proxy }: Config,
  { servers, services }: Selected,
  situations: readonly Situation[],
  wishes: Wishes,
): InitPlan {
  const planned = servers.flatMap(server => {
    const situation = situations.find(one => one.server === server.name)
    if (!situation) return []
    const isRouting = services.some(one => one.proxy && one.servers.includes(server.name))
    return [planServer(server, situation, isRouting ? proxy : undefined, wishes)]
  })
  return {
    schemaVersion: 1,
    action: 'server init',
    project,
    ...(environment ? { environment } : {}),
    servers: planned.filter(one => 'steps' in one),
    refused: planned.filter(one => 'code' in one),
  }
}

type Proxy = Config['proxy']

function planServer(
  { name, engine }: Server,
  situation: Situation,
  proxy: Proxy | undefined,
  wishes: Wishes,
): ServerInit | Refused {
  const { answers, system, hasNetwork } = situation
  const state = stateOf(situation)
  if (typeof state === 'object') return state
  const installing = installsOf(situation, state)
  if (installing && 'code' in installing) return installing
  const starting = startOf(situation, state)
  const isDead = engine === 'docker' && state !== 'runs' && !starting
  const ports = proxy && !isRunning(situation) ? judgePorts(proxy, answers) : undefined
  if (ports?.state === 'problem') return refused(name, 'port.taken', ports)
  const steps: Step[] = [
    ...(installing ? [installing] : []),
    ...(starting ? [starting] : []),
    ...joinOf(situation, state, wishes),
    ...lingerOf(situation),
    ...(hasNetwork || isDead ? [] : [{ do: 'network' as const }]),
    ...(proxy && !isRunning(situation) && !isDead ? [{ do: 'proxy' as const, ...proxy }] : []),
  ]
  const rootly = steps.filter(one => ['install', 'start', 'join', 'linger'].includes(one.do))
  if (rootly.length > 0 && !isRootly(situation)) return notAllowed(situation, rootly)
  return {
    server: name,
    engine,
    system: system.name,
    user: answers.user?.name ?? '?',
    steps,
    already: alreadyOn(situation, state),
    notes: notesOn(situation, state, proxy, wishes),
  }
}

type State = 'missing' | 'stopped' | 'runs'

/** How its engine is, or why nothing can be done about it. */
function stateOf({ server, engine, answers, lacks, isForRoot }: Situation): State | Refused {
  const status = answers.engine?.status
  if (status === exits.engineMissing) return 'missing'
  if (isForRoot) return 'runs'
  const verdict = judgeEngine({ server }, engine, answers)
  if (verdict.state === 'ok') return 'runs'
  const isSilent = status === exits.engineSilent || (status === exits.engineDenied && answers.sudo === 'free')
  if (engine === 'docker' && isSilent) return lacks.has('dockerd') ? 'missing' : 'stopped'
  return refused(server, verdict.code ?? 'engine.failed', verdict)
}

/** Of a Podman that is there, what its networks lack. */
function installsOf(situation: Situation, state: State): (Step & { do: 'install' }) | Refused | undefined {
  const { server, engine, system, lacks, answers } = situation
  const helpers = engine === 'podman' ? [...lacks] : []
  if (state !== 'missing' && helpers.length === 0) return undefined
  const packages = packagesFor(system, engine, { isRootless: answers.user?.id !== 0 })
  if ('why' in packages)
    return {
      server,
      code: 'engine.missing',
      message: `${server}: ${state === 'missing' ? engine : helpers.join(' and ')} is not installed: ${packages.why}`,
      hint: packages.hint,
    }
  return { do: 'install', ...packages, ...(state === 'missing' ? {} : { names: helpers, whereKnown: [] }) }
}

/** Podman has no daemon. */
function startOf({ engine, init }: Situation, state: State): Step | undefined {
  return engine === 'docker' && state !== 'runs' && init ? { do: 'start', by: init } : undefined
}

/** Docker's group is as good as root: nobody is put into it unasked. */
function joinOf(situation: Situation, state: State, { mayJoin }: Wishes): Step[] {
  const { user } = situation.answers
  return mayJoin && user && isLockedOut(situation, state) ? [{ do: 'join', user: user.name }] : []
}

function lingerOf({ engine, answers: { user, lingers } }: Situation): Step[] {
  return engine === 'podman' && user && user.id !== 0 && !lingers ? [{ do: 'linger', user: user.name }] : []
}

/** A user who may not use this Docker, now or once it is there. */
function isLockedOut({ engine, answers: { user, groups, engine: answer } }: Situation, state: State): boolean {
  if (engine !== 'docker' || user?.id === 0 || answer?.status === 0) return false
  return state === 'runs' || !groups.includes('docker')
}

function isRootly({ answers }: Situation): boolean {
  return answers.user?.id === 0 || answers.sudo === 'free'
}

function isRunning({ answers }: Situation): boolean {
  return answers.proxy?.state === 'running'
}

function refused(server: string, code: ErrorCode, verdict: { message: string; hint?: string }): Refused {
  return { server, code, message: `${server}: ${verdict.message}`, ...(verdict.hint ? { hint: verdict.hint } : {}) }
}

function notAllowed({ server, engine, answers }: Situation, steps: readonly Step[]): Refused {
  const user = answers.user?.name ?? 'this user'
  const why = answers.sudo === 'asks' ? 'sudo wants a password' : 'there is no sudo'
  const installing = steps.find(one => one.do === 'install')
  const byHand = installing ? `${installLine(installing)}, as root there, does it by hand` : 'start docker by hand'
  return {
    server,
    code: installing ? 'engine.missing' : 'engine.failed',
    message: `${server}: ${installing ? `${engine} is to be installed` : `${engine} is to be started`}, and ${user} may not: ${why}`,
    hint: `log in as root, or let sudo go without a password; or ${byHand}`,
  }
}

function alreadyOn({ engine, answers, hasNetwork, isForRoot }: Situation, state: State): string[] {
  const version = isForRoot ? '' : answers.engine?.version
  return [
    ...(state === 'missing' ? [] : [[engine, version].filter(Boolean).join(' ')]),
    ...(hasNetwork ? [`the network ${network}`] : []),
    ...(answers.proxy?.state === 'running' ? ['the proxy'] : []),
  ]
}

function notesOn(situation: Situation, state: State, proxy: Proxy | undefined, { mayJoin }: Wishes): string[] {
  const { server, engine, init, answers } = situation
  const { user } = answers
  const differing = proxy && isRunning(situation) ? judgeProxy(proxy, engine, answers) : undefined
  return [
    ...(engine === 'docker' && state !== 'runs' && !init
      ? ['nothing there starts services that jiji knows: start dockerd by hand, at boot too, then run this again']
      : []),
    ...(!mayJoin && isLockedOut(situation, state)
      ? [
          `${user?.name} may not use docker, and so cannot deploy: --docker-group puts this user into the group docker, which is as good as root; or log in as root (servers.${server}.user)`,
        ]
      : []),
    ...(differing?.state === 'problem'
      ? [`the proxy: ${differing.message}; jiji proxy upgrade -H ${server} changes it`]
      : []),
  ]
}
