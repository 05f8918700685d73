"""What clients do with files, for tests."""

from im.types import FileMode
from im.wire.proto import file_pb2
from tests.client import Client

ADDRESS = ("192.0.2.7", 8600)  # of the file server that the tests' server names


async def offer(
    sender: Client,
    receiver_id: int,
    mode: FileMode = FileMode.ONLINE,
    *,
    path: str = "C:/plans/plan.pdf",
    size: int = 10,
) -> file_pb2.IMFileRsp:
    """Offer a file and return the answer."""
    request = file_pb2.IMFileReq(
        from_user_id=0, to_user_id=receiver_id, file_name=path, file_size=size, trans_mode=int(mode)
    )
    return await sender.call(request, file_pb2.IMFileRsp)


async def add_offline(
    sender: Client, receiver_id: int, task_id: str, *, name: str = "plan.pdf", size: int = 10
) -> None:
    """Say that a file is uploaded; there is no reply, so ask something to know it was taken."""
    sender.send(
        file_pb2.IMFileAddOfflineReq(
            from_user_id=0,
            to_user_id=receiver_id,
            task_id=task_id,
            file_name=name,
            file_size=size,
        )
    )
    await waiting(sender)


async def delete_offline(client: Client, sender_id: int, receiver_id: int, task_id: str) -> None:
    """Take a file off the list; there is no reply either."""
    client.send(
        file_pb2.IMFileDelOfflineReq(
            from_user_id=sender_id, to_user_id=receiver_id, task_id=task_id
        )
    )
    await waiting(client)


async def waiting(client: Client) -> list[tuple[int, str, str, int]]:
    """Return author, task, name and size of the files that wait for a client's user."""
    request = file_pb2.IMFileHasOfflineReq(user_id=0)
    answer = await client.call(request, file_pb2.IMFileHasOfflineRsp)
    return [
        (file.from_user_id, file.task_id, file.file_name, file.file_size)
        for file in answer.offline_file_list
    ]
