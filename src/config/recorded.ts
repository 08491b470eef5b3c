import type * as z from 'zod'
import type { Service, Target } from './config.ts'
import { overlay } from './overlay.ts'
import { target } from './proxy-keys.ts'
import { schema } from './schema.ts'

/** A service as a server remembers it: all that its containers are made with, but for their environment. */
export type RecordedSettings = Omit<Service, 'name' | 'servers' | 'environment' | 'build' | 'hooks' | 'replicas'>

export function settingsOf(service: Service): RecordedSettings {
  const { name: _, servers: _servers, environment: _environment, build: _build, hooks: _hooks, ...rest } = service
  const { replicas: _replicas, ...settings } = rest
  return settings
}

/** What was recorded, with the defaults of the keys that have come since. Its environment is kept on the server. */
export function serviceFrom(name: string, settings: RecordedSettings, servers: readonly string[]): Service {
  const { shape } = schema.shape.services.valueType
  const targets = settings.proxy?.targets.map(one => overlay(defaultsOf(target.shape), one) as Target)
  const own = { name, servers, environment: { clear: {}, secrets: [] }, ...(targets ? { proxy: { targets } } : {}) }
  return { ...(overlay(defaultsOf(shape), settings) as Service), ...own }
}

function defaultsOf(shape: Readonly<Record<string, z.ZodType>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(shape).flatMap(([key, type]) => {
      const { success, data } = type.safeParse(undefined)
      return success && data !== undefined ? [[key, data]] : []
    }),
  )
}
