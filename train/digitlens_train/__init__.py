"""Train LeNet-5 on MNIST with PyTorch."""
