// What can wait until the page shows what it has.

/** A page that is not drawn gets no frames. */
const noFrameMs = 500
/** From the scripts of a frame to the screen; what is done meanwhile delays it where there are few cores. */
const toScreenMs = 50

/** When the next frame should be on the screen, or no frame comes. */
export const nextFrame = (): Promise<void> =>
  new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve, toScreenMs))
    setTimeout(resolve, noFrameMs)
  })
