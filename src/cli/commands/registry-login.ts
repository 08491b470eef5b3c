import { credentialsOf } from '../../config/config.ts'
import { asLogin } from '../../registry/credentials.ts'
import { logInAt } from '../../registry/places.ts'
import type { Context } from '../context.ts'
import { gatherSecrets, loadProject } from '../gather.ts'
import { atAllPlaces, sayLocal, showRows } from '../registries.ts'

export async function run(context: Context): Promise<void> {
  const config = loadProject(context)
  if (credentialsOf(config).length === 0) return sayLocal(context)
  const secrets = await gatherSecrets(context, config, [config.builder, config.registries, config.ssh, config.servers])
  const rows = await atAllPlaces(context, config, secrets, (place, credential) =>
    logInAt(place, asLogin(credential, secrets), context.signal),
  )
  showRows(context, rows)
}
