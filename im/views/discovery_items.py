"""`/api/discovery`: the links of the clients' discovery page, for anyone."""

from django.http import HttpRequest, JsonResponse

from im.services.directory.discovery_links import shown_items


def discovery_items(request: HttpRequest) -> JsonResponse:
    """Answer with a JSON array of the shown links; all values are strings (spec/periphery 1.5)."""
    return JsonResponse(
        [
            {
                "itemName": item.item_name,
                "itemUrl": item.item_url,
                "itemPriority": str(item.item_priority),
            }
            for item in shown_items()
        ],
        safe=False,
    )
