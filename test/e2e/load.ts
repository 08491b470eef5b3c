import { Agent, get } from 'node:http'

export type Load = {
  /** Ends it, and says what was seen; `longest` is what one answer took, in milliseconds. */
  stop(): Promise<{ answers: number; lost: string[]; bodies: Set<string>; longest: number }>
}

type Target = { address: string; port?: number; host: string; path?: string }

/** Clients that ask one request after the other: half of them keep their connection, half open a new one each time. */
export function startLoad(targets: readonly Target[], clientsEach = 4): Load {
  let isOver = false
  let answers = 0
  let longest = 0
  const lost: string[] = []
  const bodies = new Set<string>()
  const agents: Agent[] = []

  const client = async (target: Target, keepsAlive: boolean) => {
    const agent = new Agent({ keepAlive: keepsAlive, maxSockets: 1 })
    agents.push(agent)
    while (!isOver) {
      const began = performance.now()
      try {
        const { status, body } = await ask(target, agent)
        if (status === 200) answers++
        else lost.push(`${target.address}: ${status}`)
        if (status === 200) bodies.add(body)
      } catch (error) {
        lost.push(`${target.address}: ${(error as Error).message}`)
      }
      longest = Math.max(longest, performance.now() - began)
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  }
  const clients = targets.flatMap(target =>
    Array.from({ length: clientsEach }, (_, index) => client(target, index % 2 === 0)),
  )
  return {
    async stop() {
      isOver = true
      await Promise.all(clients)
      for (const agent of agents) agent.destroy()
      return { answers, lost, bodies, longest }
    },
  }
}

/** @returns the status and the body of one answer */
export function ask(
  { address, port = 80, host, path = '/' }: Target,
  agent?: Agent,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = get(
      { host: address, port, path, headers: { host }, timeout: 20_000, ...(agent ? { agent } : { agent: false }) },
      response => {
        let body = ''
        response.setEncoding('utf8')
        response.on('data', text => {
          body += text
        })
        response.on('error', reject)
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      },
    )
    request.on('timeout', () => request.destroy(new Error('no answer in 20 s')))
    request.on('error', reject)
  })
}
