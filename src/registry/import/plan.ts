import { authKind, authKindNames, lifetimeOf, mintCommand } from '../../config/auth-kinds.ts'
import type { Credential } from '../../config/config.ts'
import type { Declaration } from '../../config/edit.ts'
import type { Secret } from '../../config/secret.ts'
import { registryNameFor, secretNameFor, unique } from '../names.ts'
import type { Entry } from './read.ts'

/** What becomes of one entry of the file: a row of the result. */
export type ImportRow = {
  registry: string
  state: 'done' | 'already' | 'skipped'
  /** Its name under `registries`. */
  name?: string
  /** The name of its secret. */
  secret?: string
  reason?: string
}

export type ImportPlan = {
  rows: ImportRow[]
  declarations: Declaration[]
  variables: { name: string; value: string }[]
}

/** What there is already. */
export type Present = {
  credentials: readonly Credential[]
  /** A declared secret's value, if it can be known without running anything. */
  knownValue: (credential: Credential) => string | undefined
  /** What .env holds. */
  variables: Readonly<Record<string, string>>
  /** Whether something else has this name: the environment, or a secret that the configuration refers to. */
  isTaken: (name: string) => boolean
}

/** Which declarations and variables a file's entries need beside those that there are. */
export function planImport(entries: readonly Entry[], present: Present): ImportPlan {
  const plan: ImportPlan = { rows: [], declarations: [], variables: [] }
  for (const entry of entries) {
    if (!('login' in entry)) {
      plan.rows.push({ registry: entry.registry, state: 'skipped', reason: entry.reason })
      continue
    }
    const { key, username, password } = entry.login
    const declared = present.credentials.find(credential => credential.key === key)
    if (declared) {
      plan.rows.push(already(declared, entry.login, present.knownValue(declared)))
      continue
    }
    const name = nameFor(key, plan, present)
    const variable = variableFor(key, password, plan, present)
    plan.declarations.push({ name, server: key, username, password: variable })
    if (valueIn(present.variables, variable) === undefined)
      plan.variables.push({ name: variable, value: password.reveal() })
    const warning = warningFor(key, username)
    plan.rows.push({ registry: key, state: 'done', name, secret: variable, ...(warning ? { reason: warning } : {}) })
  }
  return plan
}

/** Without those whose value a .env file cannot hold. */
export function without(plan: ImportPlan, lost: readonly string[]): ImportPlan {
  const isLost = (name: string | undefined) => name !== undefined && lost.includes(name)
  return {
    variables: plan.variables.filter(({ name }) => !isLost(name)),
    declarations: plan.declarations.filter(({ password }) => !isLost(password)),
    rows: plan.rows.map(row =>
      isLost(row.secret)
        ? { registry: row.registry, state: 'skipped', reason: 'no quoting of a .env file can hold its password' }
        : row,
    ),
  }
}

function already(
  declared: Credential,
  { key, username, password }: { key: string; username: string; password: Secret },
  value: string | undefined,
): ImportRow {
  const row = { registry: key, state: 'already', name: declared.name } as const
  const { secret } = declared
  const place = secret.isName ? `change ${secret.text} in .env` : 'change it there'
  if (declared.username !== username) return { ...row, reason: `declared with the user name ${declared.username}` }
  if (value === undefined) return { ...row, reason: 'declared; its secret was not compared' }
  if (value === password.reveal()) return row
  return { ...row, reason: `declared with another secret: to rotate it, ${place}` }
}

function nameFor(key: string, { declarations }: ImportPlan, { credentials }: Present): string {
  const taken = new Set([...declarations, ...credentials].map(({ name }) => name))
  return unique(registryNameFor(key), name => taken.has(name), '-')
}

/** One that an import which was broken off has left is used again. */
function variableFor(key: string, password: Secret, plan: ImportPlan, { variables, isTaken }: Present): string {
  const isUsed = (name: string) => isTaken(name) || plan.declarations.some(one => one.password === name)
  const isOther = (name: string) => ![undefined, password.reveal()].includes(valueIn(variables, name))
  return unique(secretNameFor(key), name => isUsed(name) || isOther(name), '_')
}

function valueIn(variables: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(variables, name) ? variables[name] : undefined
}

/** A name under which this registry gives out nothing but tokens that do not live long. */
function warningFor(key: string, username: string): string | undefined {
  const kind = authKindNames.find(
    name => lifetimeOf(name) !== undefined && authKind(name).username === username && mintCommand(name, key),
  )
  return kind && `this is a token that expires in hours; with auth: ${kind} one is made for each run`
}
