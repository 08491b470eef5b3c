import { JijiError } from '../../errors.ts'
import type { Place } from '../places.ts'
import { dialFrom } from '../protocol/dial.ts'
import { RequestFailed } from '../protocol/failure.ts'
import { type Client, createClient } from '../protocol/http.ts'
import { readSetting, type Setting, trustOf } from '../protocol/trust.ts'
import { withoutSecret } from '../protocol/words.ts'
import { type Cause, type Explanation, explain, type Facts, inMinutes } from './causes.ts'
import { type Entry, enter } from './enter.ts'
import type { Need } from './needs.ts'
import { type Finding, isFinding, type Reached, reach } from './reach.ts'
import { checkPull, checkPush, type Right, unanswered } from './rights.ts'
import { ownWay } from './ways.ts'

/** `unknown`: it could not be proved, which is no failure. `skipped`: not needed here, or not possible any more. */
type State = 'ok' | 'failed' | 'unknown' | 'skipped'

/** What was proved of one image at one place: a row of the result. */
export type Check = {
  image: string
  registry: string
  place: string
  username?: string
  reach: State
  identity: State
  pull: State
  push: State
  cause?: Cause
  message?: string
  hint?: string
  notes: readonly string[]
  /** Why the server could not be asked. */
  error?: JijiError
}

/**
 * Proves at one place that registries answer, take the credentials, and let them do what is needed. A failure is a
 * value. A server is asked through the connection to it: no tool is needed there, and no credential gets there.
 */
export async function verifyAt(place: Place, needs: readonly Need[], signal: AbortSignal): Promise<Check[]> {
  const hosts = [...new Set(needs.map(({ host }) => host))]
  if (hosts.length === 0) return []
  const setting = readSetting(place.runner, place.engine, hosts, signal)
  setting.catch(() => {}) // it is looked at when a certificate is
  const registries = new Map(hosts.map(host => [host, registryAt(place, host, setting, signal)]))
  try {
    return await Promise.all(needs.map(need => verifyOne(registries.get(need.host) as RegistryAt, need)))
  } catch (error) {
    if (!(error instanceof JijiError) || !error.code.startsWith('server.')) throw error
    return needs.map(need => unreachable(place.name, need, error))
  } finally {
    for (const { client } of registries.values()) client.close()
  }
}

/** The row for a server that could not be reached, or was lost. */
export function unreachable(place: string, need: Need, error: JijiError): Check {
  const { message, hint } = explain('server', { host: need.host, words: error.message })
  return { ...row(place, need, {}), reach: 'unknown', cause: 'server', message, hint: error.hint ?? hint, error }
}

type RegistryAt = { place: Place; client: Client; setting: Promise<Setting>; reached: Promise<Reached | Finding> }

function registryAt(place: Place, host: string, setting: Promise<Setting>, signal: AbortSignal): RegistryAt {
  const dial = dialFrom(place.runner)
  const client = createClient({ dial, trust: trustOf(place.runner, setting, host, signal), signal })
  const reached = reach(client, dial, host, signal).then(result => refine(place, host, result, setting, signal))
  reached.catch(() => {}) // it is awaited for each image
  return { place, client, setting, reached }
}

/** Not to get through is no failure where the engine has another way than this check. */
async function refine(
  place: Place,
  host: string,
  result: Reached | Finding,
  setting: Promise<Setting>,
  signal: AbortSignal,
): Promise<Reached | Finding> {
  if (!isFinding(result) || result.state !== 'failed') return result
  const cause = await ownWay(place, host, signal)
  const facts: Partial<Facts> = { skew: (await setting).skew, ...result.facts }
  return cause
    ? { state: 'unknown', cause, facts: { words: explain(result.cause, { ...facts, host }).message } }
    : { ...result, facts }
}

type Steps = { reach?: Finding | { state: 'ok' }; identity?: Entry['identity']; pull?: Right; push?: Right }

async function verifyOne({ place, client, setting, reached: asked }: RegistryAt, need: Need): Promise<Check> {
  const reached = await asked
  if (isFinding(reached)) return row(place.name, need, { reach: reached }, place)
  const steps = { reach: { state: 'ok' } as const, ...(await proveRights(client, reached, need)) }
  const notes = [...row(place.name, need, steps, place).notes, ...clockNote(await setting)]
  if (steps.identity?.state === 'unknown' && !isFinding(steps.identity))
    notes.push(`${need.host} lets anybody in, and so does not say whether it knows ${need.login?.username}`)
  return { ...row(place.name, need, steps, place), notes }
}

async function proveRights(client: Client, reached: Reached, need: Need): Promise<Steps> {
  const tried = <T>(work: Promise<T>) =>
    work.catch((error: unknown) => {
      if (error instanceof RequestFailed) return unanswered(error)
      throw error
    })
  const entry = await tried(enter(client, reached, need))
  if (isFinding(entry)) return { identity: entry }
  const { identity } = entry
  // With a credential that is refused, or a token that does not come, there is nothing to ask with.
  if (identity.state === 'failed' || (identity.state === 'unknown' && !entry.authorization)) return { identity }
  const [pull, push] = await Promise.all([
    need.pull ? tried(checkPull(client, reached, need, entry)) : undefined,
    need.push ? tried(checkPush(client, reached, need, entry)) : undefined,
  ])
  return { identity, ...(pull ? { pull } : {}), ...(push ? { push } : {}) }
}

function explained({ cause, facts }: Finding, known: Facts): Explanation {
  const { message, hint } = explain(cause, { ...known, ...facts })
  return { message: withoutSecret(message, known.login), hint }
}

function clockNote({ skew }: Setting): string[] {
  return Math.abs(skew) > 5 * 60_000 ? [`its clock is ${inMinutes(skew)} of this machine's`] : []
}

function row(place: string, need: Need, steps: Steps, { engine }: Partial<Place> = {}): Check {
  const { image, host, repository, reference, login } = need
  const all = [steps.reach, steps.identity, steps.pull, steps.push].filter(step => step !== undefined)
  const findings = all.filter(isFinding)
  const worst = findings.find(({ state }) => state === 'failed') ?? findings[0]
  const facts = { host, repository, reference, login, ...(engine ? { engine } : {}) }
  return {
    image,
    registry: host,
    place,
    ...(login ? { username: login.username } : {}),
    reach: steps.reach?.state ?? 'skipped',
    identity: steps.identity?.state ?? 'skipped',
    pull: steps.pull?.state ?? 'skipped',
    push: steps.push?.state ?? 'skipped',
    ...(worst ? { cause: worst.cause, ...explained(worst, facts) } : {}),
    notes: [steps.pull, steps.push].flatMap(step => (step && 'note' in step && step.note ? [step.note] : [])),
  }
}
