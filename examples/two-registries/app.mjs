import { createServer } from 'node:http'

const server = createServer(async (request, response) => {
  if (request.url === '/up') return response.end('ok\n')
  try {
    const prices = await fetch(process.env.PRICES, { signal: AbortSignal.timeout(5000) })
    response.end(`today's prices: ${await prices.text()}`)
  } catch (error) {
    response.writeHead(502).end(`there are no prices: ${error.cause?.message ?? error.message}\n`)
  }
})
server.listen(3000, () => console.log('listening on port 3000'))

process.on('SIGTERM', () => server.close(() => process.exit(0)))
