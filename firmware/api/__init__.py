"""What is said to the world: desk actions, MQTT payloads, pages. How it travels is `services`' business."""
