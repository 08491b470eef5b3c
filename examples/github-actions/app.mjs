import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'

const motto = 'pushed, built, deployed'
const signature = createHmac('sha256', process.env.SIGNING_KEY).update(motto).digest('hex')

const server = createServer((request, response) => {
  response.end(request.url === '/up' ? 'ok\n' : `${motto}\nsigned ${signature}\n`)
})
server.listen(3000, () => console.log('listening on port 3000'))

process.on('SIGTERM', () => server.close(() => process.exit(0)))
