import { credentialsOf } from '../../config/config.ts'
import { logOutAt } from '../../registry/places.ts'
import type { Context } from '../context.ts'
import { gatherSecrets, loadProject } from '../gather.ts'
import { atAllPlaces, sayLocal, showRows } from '../registries.ts'

export async function run(context: Context): Promise<void> {
  const config = loadProject(context)
  if (credentialsOf(config).length === 0) return sayLocal(context)
  const secrets = await gatherSecrets(context, config, [config.ssh, config.servers])
  showRows(
    context,
    await atAllPlaces(context, config, secrets, (place, credential) => logOutAt(place, credential, context.signal)),
  )
}
