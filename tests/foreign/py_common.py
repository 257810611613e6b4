"""What py-libp2p's programs share."""

import json


def say(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)


async def chunks(stream):
    while True:
        try:
            data = await stream.read(16_000)
        except Exception as error:
            # Its reader's words for the end of a half that was closed in order.
            if "Read side is closed" in str(error) or "Stream closed by remote" in str(error):
                return
            raise
        if not data:
            return
        yield data
