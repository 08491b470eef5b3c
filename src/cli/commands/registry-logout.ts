import { registryKey } from '../../config/registry-key.ts'
import { logOutAt } from '../../registry/places.ts'
import type { Context } from '../context.ts'
import { loadProject } from '../project.ts'
import { atAllPlaces, credentialsWanted, sayNone, serversThere, showRows } from '../registries.ts'
import { gatherKeys } from '../secrets.ts'

export async function run(context: Context): Promise<void> {
  const config = loadProject(context)
  const isNamed = context.args.length > 0
  // Also of a registry that nobody declares any more: what a login left must be possible to take away.
  const declared = credentialsWanted(config, { ...context, args: [] })
  const named = context.args.map(arg => declared.find(({ name }) => name === arg) ?? { key: registryKey(arg) })
  const targets = isNamed ? named : declared
  if (targets.length === 0) return sayNone(context, config)
  const secrets = await gatherKeys(context, config, serversThere(config, context))
  showRows(
    context,
    await atAllPlaces(context, config, secrets, targets, (place, target) => logOutAt(place, target, context.signal)),
  )
}
