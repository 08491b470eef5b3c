import { dialHere } from '../protocol/dial.ts'
import { RequestFailed } from '../protocol/failure.ts'
import { type Answer, createClient, type Request } from '../protocol/http.ts'

/** Asks the registry of this machine, which wants neither TLS nor a credential. */
export type LocalClient = {
  /** @throws RequestFailed */
  ask(path: string, request?: Request): Promise<Answer>
  /** Whether anything there speaks as a registry does. */
  answers(): Promise<boolean>
  close(): void
}

export function clientOfLocal(port: number, signal?: AbortSignal): LocalClient {
  const { ask, close } = createClient({ dial: dialHere, trust: { sets: [], check: async () => {} }, signal })
  const askLocal: LocalClient['ask'] = (path, request) => ask(`http://127.0.0.1:${port}${path}`, request)
  return {
    ask: askLocal,
    close,
    async answers() {
      try {
        return (await askLocal('/v2/')).status === 200
      } catch (error) {
        if (error instanceof RequestFailed) return false
        throw error
      }
    },
  }
}
