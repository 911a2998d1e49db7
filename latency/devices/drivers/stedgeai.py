"""Times .tflite models on a board of the ST Edge AI Developer Cloud: BOARD MODEL...

One line a model, in the order given: the mean of the board's runs, in milliseconds, and what the network needs there.
The client is in the repository STMicroelectronics/stm32ai-modelzoo-services, whose folder STM32AI_SERVICES names. The
account is in STM32AI_USERNAME and STM32AI_PASSWORD.
"""
import os
import sys

sys.path.insert(0, os.environ.get("STM32AI_SERVICES", "stm32ai-modelzoo-services"))
try:
    from common.stm32ai_dc import CliParameters, CloudBackend, Stm32Ai
except ImportError as e:
    sys.exit(f"the client of the ST Edge AI Developer Cloud is not here ({e}): clone "
             "STMicroelectronics/stm32ai-modelzoo-services, and set STM32AI_SERVICES to its folder")

board, models = sys.argv[1], sys.argv[2:]
user, password = os.environ.get("STM32AI_USERNAME"), os.environ.get("STM32AI_PASSWORD")
if not user or not password:
    sys.exit("set STM32AI_USERNAME and STM32AI_PASSWORD to those of your account")
ai = Stm32Ai(CloudBackend(user, password, version=None))
boards = [b.name for b in ai.get_benchmark_boards()]
if board not in boards:
    sys.exit(f"there is no board {board}: there are {', '.join(boards) or 'none now'}")
for model in models:
    ai.upload_model(model)
    name = os.path.basename(model)
    try:
        r = ai.benchmark(CliParameters(model=name), board)
    finally:
        ai.delete_model(name)
    print(f"mean {r.duration_ms} ms, ram {r.ram_size} rom {r.rom_size} bytes", flush=True)
