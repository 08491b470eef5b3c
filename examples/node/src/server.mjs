import { createServer } from 'node:http'
import { fileOf, signedLink } from './links.mjs'

const { LINK_KEY: key, LINK_LIFETIME: lifetime = '60' } = process.env
if (!key) throw new Error('LINK_KEY is not set') // an unhealthy release, so the one before goes on

const server = createServer((request, response) => {
  const { url = '/' } = request
  const now = Math.floor(Date.now() / 1000)
  try {
    if (url === '/up') return response.end('ok\n')
    if (url.startsWith('/link/'))
      return response.end(`${signedLink(decodeURIComponent(url.slice(6)), now + Number(lifetime), key)}\n`)
    const file = url.startsWith('/files/') ? fileOf(url, now, key) : undefined
    response.statusCode = file === undefined ? 403 : 200
    response.end(file === undefined ? 'ask /link/NAME for a link\n' : `the contents of ${file}\n`)
  } catch {
    response.writeHead(400).end('that is no address\n')
  }
})
server.listen(3000, () => console.log(`Node ${process.versions.node} listens on port 3000`))

// Asked to stop, it answers what it has begun with.
process.on('SIGTERM', () => server.close(() => process.exit(0)))
