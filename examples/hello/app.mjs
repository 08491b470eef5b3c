// A web service as small as can be: an answer, a health check, and an orderly end.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const greeting = readFileSync('greeting.txt', 'utf8')

const server = createServer((request, response) => {
  if (request.url === '/up') response.end('ok\n')
  else response.end(greeting)
})
server.listen(3000, () => console.log('listening on port 3000'))

process.on('SIGTERM', () => server.close(() => process.exit(0)))
