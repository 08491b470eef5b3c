import { accessSync, constants } from 'node:fs'
import { createServer } from 'node:http'

const server = createServer((request, response) => {
  response.end(
    request.url === '/up'
      ? 'ok\n'
      : `rung by Podman, on a disk that ${isWritable('/app') ? 'can' : 'cannot'} be written\n`,
  )
})
server.listen(3000, () => console.log('listening on port 3000'))

process.on('SIGTERM', () => server.close(() => process.exit(0)))

function isWritable(path) {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}
