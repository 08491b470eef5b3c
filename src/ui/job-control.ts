/**
 * Calls `before` when Ctrl-Z is about to stop this process, and `after` when it goes on, whatever has stopped it: a shell
 * has written to the terminal meanwhile. @returns what ends that
 */
export function onStop(before: () => void, after: () => void): () => void {
  const listen = () => void process.on('SIGTSTP', stop)
  const ignore = () => void process.off('SIGTSTP', stop)
  const stop = () => {
    before()
    ignore()
    process.kill(process.pid, 'SIGTSTP')
  }
  const goOn = () => {
    ignore()
    listen()
    after()
  }
  listen()
  process.on('SIGCONT', goOn)
  return () => {
    ignore()
    process.off('SIGCONT', goOn)
  }
}
