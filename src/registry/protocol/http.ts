import { setMaxListeners } from 'node:events'
import { type Agent, type IncomingMessage, request as requestHttp } from 'node:http'
import { JijiError } from '../../errors.ts'
import { reasonOf, whenAborted } from '../../runner/abort.ts'
import { agentOver, defaultLimit, portOf, type Way } from './agent.ts'
import { type Challenge, parseChallenges } from './challenge.ts'
import { codeOf, RequestFailed } from './failure.ts'
import { isPrivate } from './origin.ts'

export type Request = {
  method?: 'GET' | 'HEAD' | 'POST' | 'DELETE'
  headers?: Readonly<Record<string, string>>
  body?: string
  /** Whether redirects to another origin are followed, without the credential; otherwise they are the answer. */
  leaves?: boolean
}

export type Answer = {
  status: number
  /** The words for the status, as the server has them. */
  statusText: string
  headers: IncomingMessage['headers']
  challenges: readonly Challenge[]
  body: string
  /** Where it came from in the end. */
  url: URL
}

/** Asks the servers of one registry over one way to reach them. Connections are kept, until `close`. */
export type Client = {
  /** @throws RequestFailed when there is no answer */
  ask(address: string | URL, request?: Request): Promise<Answer>
  close(): void
}

export function createClient(options: Way): Client {
  const agents = new Map<string, Agent>()
  const closed = new AbortController()
  setMaxListeners(0, closed.signal)
  const agentFor = (url: URL): Agent => {
    const agent = agents.get(url.origin) ?? agentOver(url, options, closed.signal)
    agents.set(url.origin, agent)
    return agent
  }
  return {
    ask: (address, request = {}) =>
      follow(new URL(address), request, (url, one) => exchange(agentFor(url), url, one, options)),
    close() {
      closed.abort()
      for (const agent of agents.values()) agent.destroy()
    },
  }
}

const mostRedirects = 3

/** A credential goes to the origin that it was meant for and to no other, not even when the way leads back. */
async function follow(
  first: URL,
  request: Request,
  ask: (url: URL, request: Request) => Promise<Answer>,
): Promise<Answer> {
  let url = first
  let current = request
  for (let hops = 0; ; hops++) {
    const answer = await ask(url, current)
    const next = redirectOf(answer, url)
    if (!next) return answer
    const isElsewhere = next.origin !== url.origin
    if (isElsewhere && (!request.leaves || current.body !== undefined || !isPrivate(next))) return answer
    if (hops === mostRedirects) throw new RequestFailed('http', 'redirects', `more than ${mostRedirects} redirects`)
    if (isElsewhere) current = { ...current, headers: withoutCredential(current.headers) }
    if (answer.status <= 303 && current.method === 'POST') return answer
    url = next
  }
}

function redirectOf({ status, headers }: Answer, url: URL): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(status) || !headers.location) return undefined
  return URL.canParse(headers.location, url.href) ? new URL(headers.location, url) : undefined
}

function withoutCredential(headers: Request['headers'] = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'))
}

/** One exchange; a kept connection that the server has closed in the meantime is no failure. */
async function exchange(agent: Agent, url: URL, request: Request, options: Way): Promise<Answer> {
  try {
    return await send(agent, url, request, options)
  } catch (error) {
    if (!(error instanceof RequestFailed) || error.reason !== 'stale') throw error
    return await send(agent, url, request, options)
  }
}

function send(agent: Agent, url: URL, { method = 'GET', headers = {}, body }: Request, options: Way): Promise<Answer> {
  const { signal, limit = defaultLimit } = options
  return new Promise((resolve, reject) => {
    const over = new AbortController()
    const sent = requestHttp({
      agent,
      method,
      path: url.pathname + url.search,
      host: url.hostname,
      port: portOf(url),
      headers: { host: url.host, 'user-agent': 'jiji', ...headers },
    })
    let timer: NodeJS.Timeout | undefined
    const end = () => {
      clearTimeout(timer)
      over.abort()
    }
    const fail = (error: unknown) => {
      end()
      sent.destroy()
      reject(asFailure(error, sent.reusedSocket))
    }
    whenAborted(signal, () => fail(reasonOf(signal)), over.signal)
    sent.on('socket', () => {
      timer = setTimeout(() => fail(new RequestFailed('http', 'timeout', `no answer in ${limit / 1000} s`)), limit)
    })
    sent.on('error', fail)
    sent.on('response', response => {
      read(
        response,
        text => {
          end()
          resolve(answerOf(response, text, url))
        },
        fail,
      )
    })
    sent.end(body)
  })
}

const mostText = 256 * 1024

function read(response: IncomingMessage, done: (text: string) => void, fail: (error: Error) => void): void {
  let text = ''
  response.setEncoding('utf8')
  response.on('data', chunk => {
    text += chunk
    if (text.length <= mostText) return
    response.destroy()
    done(text.slice(0, mostText))
  })
  response.on('end', () => done(text))
  response.on('error', fail)
}

function answerOf(response: IncomingMessage, body: string, url: URL): Answer {
  return {
    status: response.statusCode ?? 0,
    statusText: response.statusMessage ?? '',
    headers: response.headers,
    challenges: parseChallenges(response.headersDistinct['www-authenticate'] ?? []),
    body,
    url,
  }
}

function asFailure(error: unknown, isReused: boolean): unknown {
  if (!(error instanceof Error) || error instanceof RequestFailed || error instanceof JijiError) return error
  if (!('code' in error)) return error
  const isStale = isReused && ['ECONNRESET', 'EPIPE'].includes(codeOf(error))
  return new RequestFailed('http', isStale ? 'stale' : codeOf(error), error.message, error)
}
