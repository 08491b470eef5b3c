import type { Engine } from '../config/config.ts'
import { registryHost } from '../config/registry-key.ts'
import { JijiError } from '../errors.ts'
import { engineFailure, lastLine } from '../runner/engine-failure.ts'
import type { Runner } from '../runner/runner.ts'
import { requireEngine } from '../shell/engine.ts'
import type { Login } from '../shell/images.ts'
import { findLogins, logIn, logOut, recorded } from '../shell/login.ts'
import { lines, type Script, sh } from '../shell/script.ts'
import { hostCredential } from './credentials.ts'
import { checkLogin, whyUnreachable } from './verify/check.ts'

/** This machine or a server, as a place that can hold a login. */
export type Place = {
  name: string
  engine: Engine
  runner: Runner
  /** What keeps a trace of a change there; none on this machine. */
  record?: (event: LoginEvent) => Script
}

type LoginEvent = {
  action: 'registry login' | 'registry logout'
  registry: string
  username?: string
  result: 'done' | 'failed'
}

/** What became of one registry at one place: a row of the result. */
export type Row = {
  registry: string
  place: string
  state: 'done' | 'already' | 'skipped' | 'failed'
  username?: string
  reason?: string
  error?: JijiError
}

type Target = { key: string; username?: string }

/** Does something about each of these registries that an engine can keep a login for, one after the other. */
export async function atPlace<T extends Target>(
  place: Place,
  targets: readonly T[],
  act: (place: Place, target: T) => Promise<Row>,
): Promise<Row[]> {
  const rows: Row[] = []
  // All logins of an engine are in one file, which two writers at once would spoil.
  for (const target of targets) {
    const rival = place.engine === 'docker' ? hostCredential(targets, registryHost(target.key)) : target
    rows.push(rival && rival !== target ? leftOut(place, target, rival) : await act(place, target))
  }
  return rows
}

/** Logs in at one place. A failure is a value: the other places must not suffer from it. */
export async function logInAt(place: Place, login: Login, signal: AbortSignal): Promise<Row> {
  const { name, engine, runner } = place
  const row = { registry: login.key, place: name, username: login.username }
  const script = lines(requireEngine(engine), traced(place, 'registry login', login, logIn(engine, login)))
  const output = await runner.run(script, { signal, timeout: 60_000 })
  if (output.code === 0) return { ...row, state: 'done' }
  const error =
    engineFailure(runner, engine, output) ?? (await whyRefused(login, place, lastLine(output.stderr), signal))
  return { ...row, state: 'failed', reason: error.message, error }
}

export async function logOutAt(place: Place, target: Target, signal: AbortSignal): Promise<Row> {
  const { name, engine, runner } = place
  const row = { registry: target.key, place: name }
  const script = lines(requireEngine(engine), traced(place, 'registry logout', target, logOut(engine, target.key)))
  const output = await runner.run(script, { signal, timeout: 60_000 })
  if (output.code === 0) return { ...row, state: output.stdout.includes('already') ? 'already' : 'done' }
  const error =
    engineFailure(runner, engine, output) ??
    new JijiError('engine.failed', `${name}: ${lastLine(output.stderr)}`, { server: name })
  return { ...row, state: 'failed', reason: error.message, error }
}

/** The keys that the engine of a place holds a login for, and whose, where the engine tells. */
export async function loginsAt(
  { name, engine, runner }: Place,
  keys: readonly string[],
  also: Script,
  signal: AbortSignal,
): Promise<{ held: ReadonlyMap<string, string | undefined>; text: string }> {
  const script = lines(requireEngine(engine), findLogins(engine, keys), also)
  const output = await runner.run(script, { signal, timeout: 60_000 })
  if (output.code !== 0) {
    throw (
      engineFailure(runner, engine, output) ??
      new JijiError('engine.failed', `${name}: ${lastLine(output.stderr)}`, { server: name })
    )
  }
  const found = [...output.stdout.matchAll(/^held (\S+)(?: (.*))?$/gm)]
  return { held: new Map(found.map(([, key = '', user]) => [key, user || undefined])), text: output.stdout }
}

function traced({ record }: Place, action: LoginEvent['action'], { key, username }: Target, script: Script): Script {
  const event = { action, registry: key, ...(username ? { username } : {}) }
  const trace = (result: LoginEvent['result']) => record?.({ ...event, result }) ?? sh`:`
  return recorded(script, { done: trace('done'), failed: trace('failed') })
}

function leftOut({ name }: Place, { key, username }: Target, rival: Target): Row {
  const reason = `Docker keeps one login per host, and here that is the one for ${rival.key}${rival.username ? ` (${rival.username})` : ''}; a deploy uses each for its own images`
  return { registry: key, place: name, ...(username ? { username } : {}), state: 'skipped', reason }
}

/** Asks the registry itself: an engine's exit status does not tell a wrong password from a registry that is down. */
async function whyRefused(login: Login, place: Place, words: string, signal: AbortSignal): Promise<JijiError> {
  const host = registryHost(login.key)
  const server = place.name
  try {
    const verdict = await checkLogin(login, signal)
    const why = verdict === 'unknown' && server === 'here' ? await whyUnreachable(host, signal) : undefined
    if (why) return new JijiError('registry.unreachable', `${server}: ${why.message}`, { server, hint: why.hint })
    const hint = verdict === 'accepted' ? { hint: notKept(place) } : {}
    return new JijiError('failed', `${server}: the login to ${host} failed: ${words}`, { server, ...hint })
  } catch (error) {
    if (error instanceof JijiError) return error
    throw error
  }
}

/** Where the registry takes a login, it is the engine that cannot keep it, mostly for want of a helper. */
function notKept({ name, engine }: Place): string {
  const taken = `the registry itself takes this login${name === 'here' ? '' : ' from this machine'}`
  return engine === 'docker'
    ? `${taken}: docker may not be able to keep it. The helper that credsStore or credHelpers name in ~/.docker/config.json there must be installed and run; or take those keys out. A deploy needs no login`
    : `${taken}: podman may not be able to keep it`
}
