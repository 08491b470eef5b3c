import { createServer } from 'node:http'
import { redis } from './redis.mjs'

const server = createServer(async (request, response) => {
  try {
    if (request.url === '/up') return response.end(`${await redis('PING')}\n`)
    const visits = await redis('INCR', 'visits')
    await redis('RPUSH', 'jobs', `visit ${visits}`)
    response.end(`visit ${visits}, of which the worker has seen ${(await redis('GET', 'seen')) ?? 0}\n`)
  } catch (error) {
    response.writeHead(503).end(`${error.message}\n`)
  }
})
server.listen(3000, () => console.log('listening on port 3000'))

process.on('SIGTERM', () => server.close(() => process.exit(0)))
