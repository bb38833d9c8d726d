# xstilts in a container, for processors or for CUDA GPUs. Below the checkout:
#   docker build -t xstilts .
#   docker build -t xstilts --build-arg TORCH_OPTIONS="--index-url URL" .
#   docker run --rm -v "$PWD":/work xstilts run lab-quickstart            (GPUs: docker run --gpus all ...)
# TORCH_OPTIONS says where torch comes from: by default where pip takes it from, which on Linux is a build for CUDA;
# https://pytorch.org/get-started/locally/ has the URL of the build for processors and of that for each CUDA.
ARG PYTHON=3.12
FROM python:${PYTHON}-slim

ARG TORCH_OPTIONS=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 HF_HOME=/work/huggingface

WORKDIR /src
COPY constraints.txt ./
RUN pip install --constraint constraints.txt ${TORCH_OPTIONS} torch
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN pip install --constraint constraints.txt .

WORKDIR /work
ENTRYPOINT ["xstilts"]
CMD ["--help"]
