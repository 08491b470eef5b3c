import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const isReadOnly = /^\S+ \/ \S+ ro\b/m.test(readFileSync('/proc/mounts', 'utf8'))
const hasCapabilities = !/^CapBnd:\s+0+$/m.test(readFileSync('/proc/self/status', 'utf8'))
const answer = `a disk that ${isReadOnly ? 'cannot' : 'can'} be written, and ${hasCapabilities ? 'some' : 'no'} capabilities\n`

const server = createServer((request, response) => response.end(request.url === '/up' ? 'ok\n' : answer))
server.listen(3000, () => console.log('listening on port 3000'))

process.on('SIGTERM', () => server.close(() => process.exit(0)))
