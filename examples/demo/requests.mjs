import { Agent, get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Asks the app that answers at a URL on this machine.
 * @param {string} url
 * @param {Agent | false} [agent]
 * @returns {Promise<string>}
 */
export function ask(url, agent = false) {
  const { host, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, headers: { host }, agent, timeout: 20_000 }, response => {
      let body = ''
      response.setEncoding('utf8').on('data', text => {
        body += text
      })
      response.on('error', reject)
      response.on('end', () => {
        if (response.statusCode === 200) resolve(body.trim())
        else reject(new Error(`status ${response.statusCode}`))
      })
    })
    request.on('timeout', () => request.destroy(new Error('no answer in 20 s')))
    request.on('error', reject)
  })
}

/**
 * Eight clients ask one request after the other from before `work` until after it, for ten minutes at most. Every other
 * one keeps its connection.
 * @param {string} url
 * @param {() => Promise<void>} work
 * @returns {Promise<{ sent: number, lost: string[], answers: Set<string> }>}
 */
export async function requestWhile(url, work) {
  const seen = { sent: 0, lost: /** @type {string[]} */ ([]), answers: /** @type {Set<string>} */ (new Set()) }
  const deadline = Date.now() + 600_000
  let isOver = false

  /** @param {Agent} agent */
  const client = async agent => {
    while (!isOver && Date.now() < deadline) {
      seen.sent++
      await ask(url, agent).then(
        answer => seen.answers.add(answer),
        error => seen.lost.push(error.message),
      )
      await sleep(10)
    }
    agent.destroy()
  }
  const clients = Array.from({ length: 8 }, (_, index) =>
    client(new Agent({ keepAlive: index % 2 === 0, maxSockets: 1 })),
  )
  try {
    await sleep(500)
    await work()
    await sleep(500)
  } finally {
    isOver = true
    await Promise.all(clients)
  }
  return seen
}
