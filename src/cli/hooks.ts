import type { Config } from '../config/config.ts'
import { references } from '../config/rules.ts'
import type { Selected } from '../config/select.ts'
import { findActor } from '../deploy/actor.ts'
import { findHooks, type HookName, runHook } from '../deploy/hooks.ts'
import { JijiError } from '../errors.ts'
import type { Context } from './context.ts'
import { thisMachine } from './servers.ts'

export type Hooks = {
  has: (name: HookName) => boolean
  /** What hooks that run later are told as well. */
  learn: (facts: Readonly<Record<string, string | undefined>>) => void
  /** @throws JijiError hook.failed */
  run: (name: HookName, signal?: AbortSignal) => Promise<void>
}

/**
 * Does what changes servers between the hooks around it. When that is done, or has failed, a hook's own failure is a
 * warning: it cannot be undone any more.
 */
export async function withHooks<T>(
  context: Context,
  config: Config,
  about: Selected & { version?: string },
  work: (hooks: Hooks) => Promise<T>,
): Promise<T> {
  const hooks = await hooksFor(context, config, about)
  const began = Date.now()
  const afterwards = async (name: HookName, facts: Readonly<Record<string, string>>) => {
    hooks.learn({ ...facts, JIJI_SECONDS: ((Date.now() - began) / 1000).toFixed(1) })
    await hooks.run(name).catch((error: unknown) => {
      if (!(error instanceof JijiError) || error.code === 'interrupted') throw error
      context.output.warn(error.message)
    })
  }
  let result: T
  try {
    await hooks.run('pre-connect')
    result = await work(hooks)
  } catch (error) {
    if (!context.signal.aborted && !(error instanceof JijiError && error.code === 'interrupted'))
      await afterwards('on-failure', failureFacts(context, error))
    throw error
  }
  await afterwards('post-deploy', {})
  return result
}

async function hooksFor(
  context: Context,
  config: Config,
  { servers, services, version }: Selected & { version?: string },
): Promise<Hooks> {
  const { command, options, output, signal } = context
  const { hooks, warnings } = options.flag('skip-hooks')
    ? { hooks: new Set<HookName>(), warnings: [] }
    : findHooks(config.root)
  for (const warning of warnings) output.warn(warning)
  const facts: Record<string, string | undefined> = {
    JIJI_PROJECT: config.project,
    JIJI_ENVIRONMENT: config.environment,
    JIJI_ACTION: command,
    JIJI_VERSION: version,
    JIJI_SERVERS: servers.map(({ name }) => name).join(','),
    JIJI_SERVICES: services.map(({ name }) => name).join(','),
  }
  if (hooks.size > 0) facts.JIJI_PERFORMER = (await findActor(thisMachine(context), context.environment)).by
  return {
    has: name => hooks.has(name),
    learn: more => void Object.assign(facts, more),
    run: async (name, until = signal) => {
      if (!hooks.has(name)) return
      const environment = { ...withoutSecrets(context, config), ...defined({ ...facts, JIJI_HOOK: name }) }
      await runHook(name, { root: config.root, environment, report: output.event.bind(output), signal: until })
    },
  }
}

/** A hook is a program that has no need of what the containers and registries are told. */
function withoutSecrets({ environment }: Context, config: Config): Record<string, string> {
  const secret = new Set(references(config).map(({ reference }) => reference.text))
  return defined(Object.fromEntries(Object.entries(environment).filter(([name]) => !secret.has(name))))
}

function defined(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).flatMap(([name, value]) => (value ? [[name, value]] : [])))
}

function failureFacts({ output }: Context, error: unknown): Record<string, string> {
  const message = error instanceof Error ? error.message : String(error)
  return {
    JIJI_ERROR_CODE: error instanceof JijiError ? error.code : 'fault',
    JIJI_ERROR_MESSAGE: output.mask(message),
    JIJI_ERROR_SERVER: error instanceof JijiError ? (error.server ?? '') : '',
  }
}
