import type { Duplex } from "node:stream";

/**
 * Notices the end of a connection that nobody reads yet, and closes it: its client went away while it waited. What the
 * client sends early stays in the socket's buffer. Call what is returned before the connection is read.
 */
export function watchWaitingSocket(socket: Duplex): () => void {
  const look = (): void => {
    // Only an end makes an empty socket readable; reading nothing brings the event.
    if (socket.readableLength === 0) socket.read();
  };
  const leave = (): void => {
    socket.destroy();
  };
  socket.on("readable", look).once("end", leave);
  return () => void socket.off("readable", look).off("end", leave);
}
